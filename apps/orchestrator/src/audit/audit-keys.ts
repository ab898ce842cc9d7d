import { dirname, join } from 'node:path'
import type { Config } from '@cidadao/config'
import { loadNoteSigner, type NoteSigner, type SignerKeySource } from '@cidadao/db'

type Settings = Pick<Config, 'audit' | 'db'>

/** What the log is signed with, and what tells its signatures. */
export interface AuditKeys {
  /** Absent where no checkpoints are made. */
  readonly signer: NoteSigner | undefined
  /** All public keys that the log is known to have had, as verifier keys; the present one first. */
  readonly vkeys: readonly string[]
}

/** Beside the database's folder, not in it: whoever owns the one need not own the other. */
export function auditFolderOf({ db }: Pick<Config, 'db'>): string {
  return join(dirname(db.dataDir), '.cidadao-audit')
}

/**
 * A configured key; else, for the embedded database, one made at the first use. A database of somebody else gets none of
 * its own: each machine would make another, and take the others' checkpoints for forged.
 */
export function keySourceOf(config: Settings): SignerKeySource | undefined {
  const { audit, db } = config
  if (audit.key !== undefined) return { from: 'text', text: audit.key.reveal() }
  return db.url === undefined ? { from: 'file-or-new', path: join(auditFolderOf(config), 'key') } : undefined
}

/** Throws `AuditKeyError`. */
export async function loadAuditKeys(config: Settings): Promise<AuditKeys> {
  const { origin, formerKeys } = config.audit
  const source = keySourceOf(config)
  const signer = source === undefined ? undefined : await loadNoteSigner(origin, source)
  return { signer, vkeys: [...new Set([...(signer === undefined ? [] : [signer.vkey]), ...formerKeys])] }
}
