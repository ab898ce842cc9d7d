import type { InvalidationTarget } from './cache-invalidation.ts'

/** One row of the outbox, on its way out. */
export interface OutboxMessage {
  /** Ascending as written, which is not the order of the commits. */
  readonly id: string
  readonly namespace: string
  readonly target: InvalidationTarget
  /** Keys or tags; empty for `'all'`. */
  readonly names: readonly string[]
  readonly createdAt: Date
}

/** A message that can never be delivered, as of a namespace that nobody knows. */
export interface OutboxRefusal {
  readonly id: string
  /** A code or a few words, stored and shown; no keys, no secrets. Cut off at 200 characters. */
  readonly reason: string
}

/**
 * Carries messages out. Called again with the same ones when it fails or the process dies, so doing it twice must do no
 * harm. Rejecting says that nothing is known to have arrived: all of them come again after a pause. What can never
 * arrive is returned instead, and set aside. `signal` aborts when the time is over.
 */
export type DeliverOutbox = (messages: readonly OutboxMessage[], signal: AbortSignal) => Promise<readonly OutboxRefusal[] | void>
