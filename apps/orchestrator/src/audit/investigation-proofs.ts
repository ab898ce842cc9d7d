import type { Config } from '@cidadao/config'
import { hasCode } from '@cidadao/contracts'
import { AuditProver, storedCheckpoints, verifyEntryProof, type AuditRecord, type Database } from '@cidadao/db'
import type { AuditEntryView, AuditPageView, AuditVerdictView, EventRange } from '../api/api-ports.ts'
import { loadAuditKeys } from './audit-keys.ts'

export interface InvestigationProofsOptions {
  readonly db: Pick<Database, 'sql' | 'audit'>
  readonly config: Pick<Config, 'audit' | 'db'>
}

const PAGE = 100

/** Proofs of what the audit log has of one investigation. The whole log is not read for it. */
export class InvestigationProofs {
  readonly #options: InvestigationProofsOptions
  #vkeys: Promise<readonly string[]> | undefined

  constructor(options: InvestigationProofsOptions) {
    this.#options = options
  }

  async page(investigation: string, { after, limit }: EventRange): Promise<AuditPageView> {
    const { db } = this.#options
    const vkeys = await this.#keys()
    const records = await db.audit.entriesOf(db.sql, investigation, { after, limit })
    const entries: AuditEntryView[] = []
    for (const record of records) entries.push(await this.#prove(record, vkeys))
    return { origin: db.audit.origin, vkeys, entries, next: records.length < limit ? null : (records.at(-1)?.seq ?? null) }
  }

  /** Checks every proof as a stranger would, with the public keys alone. */
  async verify(investigation: string): Promise<AuditVerdictView> {
    const refused: { readonly seq: number; readonly reason: string }[] = []
    let [entries, verified, unsigned] = [0, 0, 0]
    for (let after: number | null = 0; after !== null;) {
      const page: AuditPageView = await this.page(investigation, { after, limit: PAGE })
      for (const { seq, proof } of page.entries) {
        entries++
        if (proof === null) unsigned++
        else {
          const verdict = verifyEntryProof(proof, page.origin, page.vkeys)
          if (verdict.outcome === 'verified') verified++
          else refused.push({ seq, reason: verdict.reason })
        }
      }
      after = page.next
    }
    const outcome = refused.length > 0 ? 'refused' : unsigned > 0 ? 'unsigned' : 'verified'
    return { outcome, entries, verified, unsigned, refused }
  }

  async #prove({ seq, id, ts, action }: AuditRecord, vkeys: readonly string[]): Promise<AuditEntryView> {
    const entry = { seq, id, ts, action }
    if (vkeys.length === 0) return { ...entry, proof: null }
    const { sql, audit } = this.#options.db
    try {
      const prover = new AuditProver({ origin: audit.origin, vkeys, checkpoints: storedCheckpoints(sql) })
      return { ...entry, proof: (await prover.prove(sql, id)).text }
    } catch (error) {
      // Not yet; the next checkpoint will cover it.
      if (hasCode(error, 'DB_AUDIT_CHECKPOINT_MISSING')) return { ...entry, proof: null }
      throw error
    }
  }

  /** Read once: the keys of a process do not change while it runs. A failure is not kept. */
  #keys(): Promise<readonly string[]> {
    this.#vkeys ??= loadAuditKeys(this.#options.config).then(({ vkeys }) => vkeys)
    this.#vkeys.catch(() => (this.#vkeys = undefined))
    return this.#vkeys
  }
}
