import type { AuditFault } from '../chain-replay.ts'
import type { WatchMode } from './watch-report.ts'

/** What the scheduled verification tells. */
export interface AuditWatchEvents {
  /** The log was found good as far as it was looked at. */
  readonly verified: {
    readonly mode: WatchMode
    readonly checked: number
    readonly anchoredTo: number
    readonly unanchored: number
    readonly durationMs: number
  }
  /** The log was altered: alert somebody. */
  readonly fault: { readonly mode: WatchMode; readonly kind: AuditFault; readonly firstBadSeq: number | null; readonly detail: string }
  /** The verification could not look; it is tried again at its next time. */
  readonly failed: { readonly mode: WatchMode; readonly code: string }
}
