/**
 * Why a sample was given up: `overflow`, the buffer was full of newer ones; `refused`, the database takes everything
 * around it, but not this one; `stopped`, there was no time left to write it.
 */
export const DROP_REASONS = ['overflow', 'refused', 'stopped'] as const
export type DropReason = (typeof DROP_REASONS)[number]

/** What the recorder of metrics tells. */
export interface MetricRecorderEvents {
  /** Samples were stored. */
  readonly flushed: { readonly samples: number; readonly durationMs: number }
  /** Samples could not be stored for now; they are kept and tried again. */
  readonly 'flush-failed': { readonly code: string; readonly buffered: number }
  /** Samples are lost. Those of an overflow are told together, at the next write. */
  readonly dropped: { readonly samples: number; readonly reason: DropReason }
}

/** What the retention of metrics tells. */
export interface MetricRetentionEvents {
  /** Partitions were looked after; `busy` if another process was at it. */
  readonly maintained: {
    readonly outcome: 'done' | 'busy'
    readonly made: number
    readonly dropped: number
    readonly moved: number
    readonly deleted: number
  }
  /** It did not work out and is tried again at the next interval, at the latest. */
  readonly 'maintenance-failed': { readonly code: string }
}
