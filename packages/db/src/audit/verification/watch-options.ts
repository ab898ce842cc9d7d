import { silentLogger, systemClock, type Clock, type Logger } from '@cidadao/contracts'
import { requireInteger } from '../../option-checks.ts'
import type { SqlExecutor } from '../../sql-executor.ts'
import type { AnchorSink } from '../anchors/anchor-sink.ts'
import type { AuditLog } from '../audit-log.ts'

export interface AuditWatchOptions {
  /** Where the log is: `db.sql`. */
  readonly sql: SqlExecutor
  /** `db.audit`. */
  readonly log: Pick<AuditLog, 'origin' | 'verify'>
  /** Verifier keys of the log, the present one and those before it. */
  readonly vkeys: readonly string[]
  /** Whose newest checkpoint the log is compared with. @default [] */
  readonly anchors?: readonly AnchorSink[]
  /** Pause between two incremental verifications, in milliseconds. @default 300_000 */
  readonly intervalMs?: number
  /** Hour of the day, UTC, at which everything is verified again. @default 5 */
  readonly fullAtHourUtc?: number
  /** Pause before the first verification, which is a full one, in milliseconds. @default 30_000 */
  readonly startDelayMs?: number
  /** Longest time for one question to one anchor, in milliseconds. @default 10_000 */
  readonly anchorDeadlineMs?: number
  /** @default silent */
  readonly logger?: Logger
  /** @default the system's */
  readonly clock?: Clock
}

export type ResolvedAuditWatchOptions = Readonly<Required<AuditWatchOptions>>

const DEFAULTS = Object.freeze({ intervalMs: 300_000, fullAtHourUtc: 5, startDelayMs: 30_000, anchorDeadlineMs: 10_000 })

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveWatchOptions(options: AuditWatchOptions): ResolvedAuditWatchOptions {
  const resolved = { ...DEFAULTS, anchors: [], logger: silentLogger, clock: systemClock, ...options }
  requireInteger('intervalMs', resolved.intervalMs, { min: 1 })
  requireInteger('fullAtHourUtc', resolved.fullAtHourUtc, { min: 0, max: 23 })
  requireInteger('startDelayMs', resolved.startDelayMs, { min: 0 })
  requireInteger('anchorDeadlineMs', resolved.anchorDeadlineMs, { min: 1 })
  return Object.freeze(resolved)
}
