import type { AuditVerification } from '../audit-verifier.ts'

/** Every entry from the first one on, or those since the last verification that found no fault. */
export const WATCH_MODES = ['full', 'incremental'] as const
export type WatchMode = (typeof WATCH_MODES)[number]

/** How one verification ended. */
export interface WatchReport {
  readonly mode: WatchMode
  readonly at: Date
  readonly durationMs: number
  readonly verdict: AuditVerification
  /** The anchored checkpoint that the log was compared with; null where no anchor gave one. */
  readonly against: { readonly anchor: string; readonly size: number } | null
}

export interface AuditWatchStats {
  /** What runs just now. */
  readonly running: WatchMode | null
  readonly lastFull: WatchReport | null
  readonly lastIncremental: WatchReport | null
  /** The fault found last, until a verification that would have met it finds none. */
  readonly fault: WatchReport | null
  /** Code of the error that the last verification ended in; null where it came to a verdict. */
  readonly error: string | null
}
