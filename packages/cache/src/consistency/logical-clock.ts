import type { Invalidation, LoggedInvalidation } from './invalidation.ts'

export interface ClockAdvance {
  /** The namespace's prefix. */
  readonly namespace: string
  readonly origin: string
  readonly what: Invalidation
  /** The highest sequence that the caller has seen, or 0. */
  readonly since: number
}

export interface ClockRead {
  readonly namespace: string
  readonly since: number
  /** Whose marks are wanted. */
  readonly tags: readonly string[]
}

export interface ClockReading {
  /** Now; never lower than `since` of the request. */
  readonly sequence: number
  /** What was stored with a lower sequence is invalid, whatever its tags: the namespace was cleared, or marks were lost. */
  readonly floor: number
  /** In the order of the tags asked for. */
  readonly marks: readonly number[]
  readonly missed: Missed
}

/** What happened after the `since` of a request. */
export type Missed =
  /** All of it, in order. */
  | { readonly kind: 'chain'; readonly messages: readonly LoggedInvalidation[] }
  /** More than the log holds. */
  | { readonly kind: 'trimmed' }
  /** The log reaches back that far and does not know `since`: the tier forgot what it had acknowledged, as a failover can. */
  | { readonly kind: 'diverged' }

/**
 * The order of a namespace's invalidations, kept by a tier that all processes share. An entry carries the sequence that
 * was known before its production began; it is invalid if the floor or the mark of one of its tags is higher. No two
 * machines' clocks are compared: the sequence is the tier's own.
 *
 * A tier that loses a clock (flushed, evicted, failed over to a replica that lagged) must go on above everything it has
 * ever given out and above `since`, with the floor at the new sequence: what depended on the lost marks is then a miss.
 * Two ways of losing are told apart nowhere, so that none can be forgotten.
 */
export interface LogicalClock {
  /** In one atomic step: a new sequence, the marks, the log, and (best effort) the message on the bus. */
  advance(request: ClockAdvance): Promise<ClockReading>
  read(request: ClockRead): Promise<ClockReading>
}

export interface BusListener {
  readonly onMessage: (message: LoggedInvalidation) => void
  /** Messages may have been missed: the subscription was interrupted, or has just begun. */
  readonly onInterrupted: () => void
}

export interface BusSubscription {
  stop(): Promise<void>
}

/**
 * Tells processes of invalidations sooner than they would look. It may lose, delay, repeat and reorder: nothing depends
 * on it but how soon. What is published is published by {@link LogicalClock.advance}.
 */
export interface InvalidationBus {
  /** @param installation the first part of the namespaces' prefixes: `environment/version` */
  listen(installation: string, listener: BusListener): Promise<BusSubscription>
}
