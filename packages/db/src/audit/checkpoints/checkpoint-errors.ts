import { DatabaseError } from '../../errors/database-error.ts'
import type { AuditFault } from '../chain-replay.ts'

/**
 * The log in the database is not the continuation of what was signed: nothing is signed any more. `short` after a restore
 * from a backup or a cut tail, `root` after a rewriting, `signature` where a stored checkpoint is not by a trusted key.
 * Keep the database as it is, find out which of the two is right, and put the longer history back.
 */
export class AuditHistoryError extends DatabaseError {
  readonly code = 'DB_AUDIT_HISTORY_BROKEN'
  readonly kind: AuditFault
  /** What contradicts the log: an anchor's name, `database` for the checkpoints stored there, `log` for the log itself. */
  readonly source: string

  constructor(kind: AuditFault, source: string, detail: string) {
    super(`nothing is signed: ${detail}`, { facts: { kind, source } })
    this.kind = kind
    this.source = source
  }
}
