import { readFile } from 'node:fs/promises'
import { hasCode, toError } from '@cidadao/contracts'
import type { AnchorSink, Database } from '@cidadao/db'
import { auditAnchorsOf } from '../../../audit/audit-anchors.ts'
import { loadAuditKeys, type AuditKeys } from '../../../audit/audit-keys.ts'
import type { CommandContext } from '../../command-context.ts'
import { UsageError } from '../../errors.ts'
import { AUDIT_TEXTS, type AuditTexts } from '../../output/audit-texts.ts'
import { withStore } from '../../with-store.ts'
import type { Store } from '../../../compose-store.ts'

/** Names further public keys of the log, for a machine without its signing key. */
export interface KeyOptions {
  readonly vkey?: readonly string[]
}

/** What the commands about the log work with. */
export interface AuditWork {
  readonly store: Store
  readonly db: Database
  readonly keys: AuditKeys
  readonly anchors: readonly AnchorSink[]
  readonly texts: AuditTexts
}

/** Runs `work` with the database up and the log's keys read. Throws `AuditKeyError`, `InterruptedError`. */
export function withAudit<Result>(
  options: KeyOptions,
  context: CommandContext,
  work: (audit: AuditWork) => Promise<Result>,
): Promise<Result> {
  return withStore(context, async (store) => {
    const { signer, vkeys } = await loadAuditKeys(store.config)
    const keys = { signer, vkeys: [...new Set([...vkeys, ...(options.vkey ?? [])])] }
    const anchors = auditAnchorsOf(store.config)
    return work({ store, db: store.db, keys, anchors, texts: AUDIT_TEXTS[context.language] })
  })
}

/** Proofs and exports have keys in them, or are checked by them before they are given out. @throws UsageError */
export function requireKeys({ keys }: AuditWork): readonly string[] {
  if (keys.vkeys.length > 0) return keys.vkeys
  throw new UsageError(
    'the public key of the log is not known here; name it with --vkey, or set CIDADAO_AUDIT_KEY or CIDADAO_AUDIT_FORMER_KEYS',
  )
}

/** A file that the caller names. @throws UsageError */
export async function readGivenFile(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const reason = hasCode(error, 'ENOENT') ? 'there is no such file' : hasCode(error, 'EISDIR') ? 'it is a folder' : toError(error).message
    throw new UsageError(`${option}: cannot read ${path} (${reason}); name a file that exists and is readable`, { cause: error })
  }
}
