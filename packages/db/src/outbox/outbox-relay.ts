import { defineService, toError, TypedEvents, type EventSource, type Service } from '@cidadao/contracts'
import { translateError } from '../errors/translate-error.ts'
import { look } from './outbox-position.ts'
import type { LongTransaction, OutboxLag, OutboxRelayEvents } from './outbox-relay-events.ts'
import { resolveOutboxRelayOptions, type OutboxRelayOptions, type ResolvedOutboxRelayOptions } from './outbox-relay-options.ts'
import { runRound, type RoundOutcome } from './outbox-round.ts'
import { findLongTransaction, redeliverRefused, sweepOutbox } from './outbox-upkeep.ts'
import { RelayRun, type Pause } from './relay-run.ts'

export const RELAY_STATES = ['stopped', 'watching', 'delivering', 'backing-off'] as const
export type RelayState = (typeof RELAY_STATES)[number]

export interface OutboxRelayStats {
  readonly state: RelayState
  /** As of the latest look; null before the first. While the database is away it grows old: see `lagAgeMs`. */
  readonly lag: OutboxLag | null
  /** How long ago that look was, in milliseconds; null before the first. */
  readonly lagAgeMs: number | null
  /** Since this object was made. */
  readonly delivered: number
  readonly refused: number
  /** Failures in a row; 0 when the latest round went well. */
  readonly failures: number
  /** The oldest transaction that has been open for too long, as of the latest clean-up. */
  readonly longTransaction: LongTransaction | null
}

/** One message at a time is tried while looking for the one that spoils a batch: few at first, as the way may be shut. */
const ISOLATED_AT_FIRST = 20

/**
 * Carries the outbox's messages out, each at least once, as soon as they are committed. Any number of relays may run, in
 * any number of processes: one delivers at a time, another takes over when it ends or dies.
 *
 * - *watching*: nothing waits; looks again after the poll interval, and at once when this process commits something.
 * - *delivering*: a round is under way.
 * - *backing-off*: the last round failed; the next begins after a pause that grows, whatever is committed meanwhile.
 */
export class OutboxRelay implements Service {
  readonly name = 'outbox-relay'
  readonly events: EventSource<OutboxRelayEvents>
  readonly #options: ResolvedOutboxRelayOptions
  readonly #events = new TypedEvents<OutboxRelayEvents>()
  readonly #lifecycle: Service
  #run: RelayRun | undefined
  #state: RelayState = 'stopped'
  #lag: OutboxLag | undefined
  #lookedAtMs = 0
  #longTransaction: LongTransaction | undefined
  #failures = 0
  #delivered = 0
  #refused = 0
  #sweepAtMs = 0

  constructor(options: OutboxRelayOptions) {
    this.#options = resolveOutboxRelayOptions(options)
    this.events = this.#events
    this.#lifecycle = defineService({ name: this.name, start: async () => this.#open(), stop: () => this.#close() })
  }

  /** Begins to look; resolves at once. The database may be away: that is told by `failed`, and tried again. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** Lets a delivery under way end within the stop timeout, then aborts it; it is delivered again later. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /** Looks at once instead of after the poll interval. Does not shorten the pause after a failure. */
  wake(): void {
    this.#run?.wake()
  }

  /** Lets everything that was refused come again. Says how many messages. */
  async redeliverRefused(): Promise<number> {
    const count = await redeliverRefused(this.#options.db.sql)
    this.wake()
    return count
  }

  stats(): OutboxRelayStats {
    return Object.freeze({
      state: this.#state,
      lag: this.#lag ?? null,
      lagAgeMs: this.#lag === undefined ? null : this.#options.clock.monotonicMs() - this.#lookedAtMs,
      delivered: this.#delivered,
      refused: this.#refused,
      failures: this.#failures,
      longTransaction: this.#longTransaction ?? null,
    })
  }

  #open(): void {
    const run = new RelayRun()
    this.#run = run
    this.#failures = 0
    this.#sweepAtMs = this.#options.clock.monotonicMs()
    run.unsubscribe = this.#options.db.events.on('outbox-written', () => run.wake())
    run.ended = this.#loop(run)
  }

  async #close(): Promise<void> {
    const run = this.#run
    this.#run = undefined
    if (run === undefined) return
    await run.stop(this.#options.clock, this.#options.stopTimeoutMs)
    this.#state = 'stopped'
  }

  async #loop(run: RelayRun): Promise<void> {
    while (!run.isStopping) {
      run.forgetWake()
      await run.rest(await this.#turn(run), this.#options.clock)
    }
  }

  async #turn(run: RelayRun): Promise<Pause> {
    try {
      const waiting = await this.#look()
      const goesOn = waiting && (await this.#round(run))
      this.#failures = 0
      await this.#upkeep()
      if (goesOn) return { kind: 'none' }
      this.#state = 'watching'
      return { kind: 'poll', ms: this.#options.pollIntervalMs }
    } catch (error) {
      if (run.cut.aborted) return { kind: 'none' }
      return this.#backOff(toError(error))
    }
  }

  /** Says whether there is anything to do. */
  async #look(): Promise<boolean> {
    const { foreign, ...lag } = await look(this.#options.db.sql)
    this.#lag = Object.freeze(lag)
    this.#lookedAtMs = this.#options.clock.monotonicMs()
    this.#events.emit('lag', lag)
    return foreign || lag.messages > 0
  }

  /** Says whether to go on at once. */
  async #round(run: RelayRun): Promise<boolean> {
    const { db, deliver, batchSize, isolateAfter, clock, deliverTimeoutMs } = this.#options
    this.#state = 'delivering'
    const isolated = this.#failures - isolateAfter + 1
    const startedMs = clock.monotonicMs()
    const outcome = await db.transaction((tx) =>
      runRound(tx.sql, {
        deliver,
        style: isolated > 0 ? 'one-by-one' : 'together',
        limit: isolated > 0 ? Math.min(batchSize, ISOLATED_AT_FIRST * isolated) : batchSize,
        budget: { clock, timeoutMs: deliverTimeoutMs, cut: run.cut },
      }),
    )
    this.#report(outcome, clock.monotonicMs() - startedMs)
    return outcome.kind !== 'busy'
  }

  #report(outcome: RoundOutcome, durationMs: number): void {
    if (outcome.kind === 'busy') return
    const { logger } = this.#options
    if (outcome.kind === 'history-replaced') {
      logger.warn('the outbox is of another server: all its rows are delivered again', { rows: outcome.rows })
      this.#events.emit('history-replaced', { rows: outcome.rows })
      return
    }
    this.#delivered += outcome.delivered
    this.#refused += outcome.refused.length
    if (outcome.delivered > 0) this.#events.emit('delivered', { messages: outcome.delivered, durationMs })
    for (const { id, namespace, reason } of outcome.refused) {
      logger.error('an invalidation was refused and set aside', { id, namespace, reason })
      this.#events.emit('refused', { id, namespace, reason })
    }
  }

  #backOff(error: Error): Pause {
    const { initialBackoffMs, maxBackoffMs, random, logger } = this.#options
    this.#failures += 1
    this.#state = 'backing-off'
    const fullMs = Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.min(30, this.#failures - 1))
    const pauseMs = Math.round(fullMs / 2 + (random() * fullMs) / 2)
    const { code } = translateError(error)
    logger.warn('the outbox could not be delivered', { code, failures: this.#failures, pauseMs })
    this.#events.emit('failed', { code, failures: this.#failures, pauseMs })
    return { kind: 'back-off', ms: pauseMs }
  }

  async #upkeep(): Promise<void> {
    const { db, clock, sweepIntervalMs, longTransactionMs } = this.#options
    if (clock.monotonicMs() < this.#sweepAtMs) return
    this.#sweepAtMs = clock.monotonicMs() + sweepIntervalMs
    this.#longTransaction = await findLongTransaction(db.sql, longTransactionMs)
    if (this.#longTransaction !== undefined) this.#events.emit('long-transaction', this.#longTransaction)
    const rows = await sweepOutbox(db.sql, this.#options)
    if (rows > 0) this.#events.emit('swept', { rows })
  }
}

/** A relay that runs when started. Throws `InvalidOptionsError`. */
export function createOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  return new OutboxRelay(options)
}
