import type { Clock } from '@cidadao/contracts'

const WINDOW_MS = 60_000

/** The highest value of the last minute. Reading changes nothing, so two readers see the same, and none misses a peak. */
export class RollingPeak {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** Highest value by second, the oldest first; a value that a later one reaches is of no use any more. */
  #peaks: { readonly atMs: number; readonly value: number }[] = []

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  note(value: number): void {
    while ((this.#peaks.at(-1)?.value ?? Infinity) <= value) this.#peaks.pop()
    this.#peaks.push({ atMs: this.#clock.monotonicMs(), value })
  }

  /** `current` is the value now, which may have held for longer than the window. */
  read(current: number): number {
    const sinceMs = this.#clock.monotonicMs() - WINDOW_MS
    while ((this.#peaks[0]?.atMs ?? Infinity) < sinceMs) this.#peaks.shift()
    return Math.max(current, this.#peaks[0]?.value ?? 0)
  }
}
