/** What an outbox relay tells. Never keys or tags, which may be personal. */
export interface OutboxRelayEvents {
  /** Messages were carried out and will not come again. */
  readonly delivered: { readonly messages: number; readonly durationMs: number }
  /** Nothing could be carried out; the next try comes after the pause. */
  readonly failed: { readonly code: string; readonly failures: number; readonly pauseMs: number }
  /** A message was set aside: its data may still be served from the cache until it expires. */
  readonly refused: { readonly id: string; readonly namespace: string; readonly reason: string }
  /** What waits, as of the latest look. */
  readonly lag: OutboxLag
  /** A transaction has been open for long: what it wrote cannot be delivered yet, and nothing of it is clean-up's. */
  readonly 'long-transaction': LongTransaction
  /** Old rows were deleted. */
  readonly swept: { readonly rows: number }
  /** The database was restored on another server, whose transaction numbers differ: all rows that are kept come again. */
  readonly 'history-replaced': { readonly rows: number }
}

export interface OutboxLag {
  /** Committed and not delivered; counted up to 1,000. */
  readonly messages: number
  /** Age of the oldest of them, in milliseconds; 0 where there is none. */
  readonly oldestMs: number
  /** Set aside, and not yet delivered again; counted up to 1,000. */
  readonly refused: number
}

export interface LongTransaction {
  readonly pid: number
  readonly applicationName: string
  /** As `pg_stat_activity` has it: `idle in transaction`, `active`. */
  readonly state: string
  readonly ageMs: number
}
