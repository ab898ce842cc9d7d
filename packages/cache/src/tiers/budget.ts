import type { Clock, Timer } from '@cidadao/contracts'
import { TierUnavailableError } from '../errors.ts'

export interface BudgetedOperation<T> {
  /** The operation's outcome, or `TierUnavailableError` once the budget is spent. */
  readonly outcome: Promise<T>
  /** Settles when the operation itself does, however late; rejects with its error. Handled: it may be left alone. */
  readonly settled: Promise<T>
}

/** A slice of time in which the event loop reads its sockets. */
const GRACE_MS = 1

interface Running {
  readonly expiresAtMs: number
  /** `undefined` once settled, so that nothing keeps the outcome in memory. */
  expire: (() => void) | undefined
}

/** So many that settled are kept in the queue at most, before it is tidied up early. */
const MOST_SETTLED = 1_024

/**
 * Runs operations that cannot be cancelled, waiting for each no longer than `budgetMs`.
 *
 * All share one budget, so they expire in the order they began, and one timer for the oldest is enough. It is not
 * cancelled with every operation that ends in time, which nearly all do: starting and ending timers cost as much as the
 * rest of a read.
 */
export class Budget {
  readonly #clock: Clock
  readonly #budgetMs: number
  /** In the order of their end; those that settled are dropped when they come to the front. */
  #running: Running[] = []
  #timer: Timer | undefined
  #unsettled = 0
  #lingers = true

  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock
    this.#budgetMs = budgetMs
  }

  run<T>(operation: () => Promise<T>): BudgetedOperation<T> {
    const settled = invoke(operation)
    const outcome = new Promise<T>((resolve, reject) => {
      const running = this.#begin(() => reject(this.#spent()))
      // Both ways in one subscription: each further promise would cost every read of a tier.
      settled.then(
        (value) => {
          this.#end(running)
          resolve(value)
        },
        (thrown: unknown) => {
          this.#end(running)
          reject(thrown)
        },
      )
    })
    return { outcome, settled }
  }

  /** Undoes `stop`. */
  start(): void {
    this.#lingers = true
  }

  /** From now on no timer outlives what is under way. Operations may still be run. */
  stop(): void {
    this.#lingers = false
    if (this.#unsettled === 0) this.#disarm()
  }

  #begin(expire: () => void): Running {
    const running = { expiresAtMs: this.#clock.monotonicMs() + this.#budgetMs, expire }
    this.#unsettled++
    if (this.#running.push(running) > MOST_SETTLED + 2 * this.#unsettled) this.#tidy()
    if (this.#timer === undefined) this.#arm(this.#budgetMs)
    return running
  }

  #end(running: Running): void {
    if (running.expire === undefined) return
    running.expire = undefined
    this.#unsettled--
    if (!this.#lingers && this.#unsettled === 0) this.#disarm()
  }

  #arm(waitMs: number): void {
    this.#timer = this.#clock.schedule(waitMs, () => this.#due(), { keepAlive: true })
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#running = []
  }

  #due(): void {
    this.#tidy()
    const [oldest] = this.#running
    if (oldest === undefined) return this.#disarm()
    const leftMs = oldest.expiresAtMs - this.#clock.monotonicMs()
    if (leftMs > 0) return this.#arm(leftMs)
    // If this very process was blocked, the answers are already in the sockets: let them be read before judging.
    this.#timer = this.#clock.schedule(GRACE_MS, () => this.#expire(), { keepAlive: true })
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs() - GRACE_MS
    for (const running of this.#running) {
      if (running.expiresAtMs > nowMs) break
      const { expire } = running
      this.#end(running)
      expire?.()
    }
    this.#due()
  }

  #tidy(): void {
    this.#running = this.#running.filter((running) => running.expire !== undefined)
  }

  #spent(): TierUnavailableError {
    const budgetMs = this.#budgetMs
    return new TierUnavailableError(`no answer within ${budgetMs} ms`, { facts: { budgetMs, timeout: true } })
  }
}

async function invoke<T>(operation: () => Promise<T>): Promise<T> {
  return operation()
}
