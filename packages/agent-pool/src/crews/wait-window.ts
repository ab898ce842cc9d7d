const MOST_SAMPLES = 512

/** How long runs have waited lately. */
export class WaitWindow {
  readonly #windowMs: number
  #samples: { readonly atMs: number; readonly waitMs: number }[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  note(waitMs: number, nowMs: number): void {
    this.#samples.push({ atMs: nowMs, waitMs })
    // Twice the limit before cutting: cutting one by one would move the whole list for each run.
    if (this.#samples.length > MOST_SAMPLES * 2) this.#samples = this.#samples.slice(-MOST_SAMPLES)
  }

  /** The wait that nineteen of twenty did not exceed, of those that began and those that still wait. */
  p95Ms(nowMs: number, stillWaitingMs: readonly number[]): number {
    this.#samples = this.#samples.filter(({ atMs }) => nowMs - atMs < this.#windowMs)
    const waits = [...this.#samples.slice(-MOST_SAMPLES).map(({ waitMs }) => waitMs), ...stillWaitingMs].sort((a, b) => a - b)
    return waits[Math.ceil(waits.length * 0.95) - 1] ?? 0
  }
}
