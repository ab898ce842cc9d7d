import type { Clock, Timer } from './clock.ts'

interface PendingTimer {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/**
 * A clock that moves only when told to. Timers fire in order of their due time, those due together in the order
 * they were started; each sees the clock at its own due time.
 */
export class TestClock implements Clock {
  readonly #startMs: number
  readonly #pending = new Set<PendingTimer>()
  #elapsedMs = 0
  #wallOffsetMs = 0
  #order = 0

  constructor(start: Date = new Date('2024-01-31T12:00:00.000Z')) {
    this.#startMs = start.getTime()
  }

  now(): Date {
    return new Date(this.#startMs + this.#elapsedMs + this.#wallOffsetMs)
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const timer: PendingTimer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#pending.add(timer)
    return { cancel: () => void this.#pending.delete(timer) }
  }

  /** How many timers wait; a test of `stop()` expects 0. */
  get pendingTimers(): number {
    return this.#pending.size
  }

  /** Moves the wall clock alone, as an operator or NTP does. Durations and timers are not touched. */
  jumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  /** Moves time on by `byMs`, firing due timers and letting promises settle between them. */
  async advance(byMs: number): Promise<void> {
    const targetMs = this.#elapsedMs + byMs
    await settle()
    for (let next = this.#nextDue(targetMs); next !== undefined; next = this.#nextDue(targetMs)) {
      this.#pending.delete(next)
      this.#elapsedMs = next.dueMs
      next.callback()
      await settle()
    }
    this.#elapsedMs = targetMs
  }

  #nextDue(untilMs: number): PendingTimer | undefined {
    let first: PendingTimer | undefined
    for (const timer of this.#pending) {
      if (timer.dueMs > untilMs) continue
      if (first === undefined || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order)) first = timer
    }
    return first
  }
}

/** One turn of the event loop runs all promise callbacks that are ready, however deeply chained. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
