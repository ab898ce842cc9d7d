import type { AuditEntry } from '../../audit/audit-entry.ts'
import { InvalidOptionsError } from '../../errors/database-error.ts'
import { requireInteger } from '../../option-checks.ts'
import type { SaveCounts, SavedRow } from './save-outcome.ts'

export interface SaveManyProgress extends SaveCounts {
  readonly total: number
}

/** Makes the audit entries of one row; called inside its transaction, perhaps again when that is repeated. */
export type AuditOfRow = (row: SavedRow) => AuditEntry | readonly AuditEntry[]

export interface SaveManyOptions {
  /**
   * All rows in one transaction, or none of them: then the first rows that cannot be stored are in the
   * `BulkRefusedError` that it rejects with. Otherwise each row has its own outcome. @default false
   */
  readonly atomic?: boolean
  /**
   * Entries appended to the audit log in the same transaction as the rows. A list is for an atomic save only: it is
   * appended once, for all. The log has one writer at a time, which waits from its first entry to its commit: for many
   * thousands of rows at once, prefer one entry to one for each. @default none
   */
  readonly audit?: AuditOfRow | AuditEntry | readonly AuditEntry[]
  /** Most connections used at once, 1 to 8; an atomic save and one inside a transaction use one. @default 3 */
  readonly connections?: number
  /** Told after each chunk. What it throws ends the call. @default none */
  readonly onProgress?: (progress: SaveManyProgress) => void
  /** Ends the call between two chunks: an atomic save rejects with its reason, else what was not sent has `failed`. @default none */
  readonly signal?: AbortSignal
}

export interface ResolvedSaveManyOptions {
  readonly atomic: boolean
  readonly auditOfRow: AuditOfRow | undefined
  readonly auditOfAll: readonly AuditEntry[]
  readonly connections: number
  readonly onProgress: (progress: SaveManyProgress) => void
  readonly signal: AbortSignal | undefined
}

const MAX_CONNECTIONS = 8
const DEFAULTS = Object.freeze({ atomic: false, connections: 3, onProgress: () => {} })

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveSaveManyOptions(options: SaveManyOptions = {}): ResolvedSaveManyOptions {
  const { atomic = DEFAULTS.atomic, audit, connections = DEFAULTS.connections, onProgress = DEFAULTS.onProgress, signal } = options
  const auditOfRow = typeof audit === 'function' ? audit : undefined
  const auditOfAll = typeof audit === 'function' ? [] : [audit ?? []].flat()
  if (auditOfAll.length > 0 && !atomic) {
    throw new InvalidOptionsError('audit', 'must be a function of the row unless the save is atomic', 'entries')
  }
  return Object.freeze({
    atomic,
    auditOfRow,
    auditOfAll,
    connections: requireInteger('connections', connections, { min: 1, max: MAX_CONNECTIONS }),
    onProgress,
    signal,
  })
}
