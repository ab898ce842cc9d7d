import type { QueryEvent } from '../events.ts'

/** Count, sum and longest of something measured in milliseconds, since the process started. */
export interface DurationSummary {
  readonly count: number
  readonly totalMs: number
  readonly maxMs: number
}

/** State of the pool at one instant; a copy that never changes. */
export interface PoolSnapshot {
  readonly total: number
  readonly idle: number
  readonly waiting: number
  readonly max: number
  readonly timeouts: number
  readonly wait: DurationSummary
  readonly use: DurationSummary
  readonly queries: DurationSummary & { readonly failed: number }
}

class Durations {
  #count = 0
  #totalMs = 0
  #maxMs = 0

  add(durationMs: number): void {
    this.#count += 1
    this.#totalMs += durationMs
    this.#maxMs = Math.max(this.#maxMs, durationMs)
  }

  summary(): DurationSummary {
    return Object.freeze({ count: this.#count, totalMs: this.#totalMs, maxMs: this.#maxMs })
  }
}

/** Running sums; percentiles are for the metrics that subscribe to the events. */
export class PoolStats {
  readonly #wait = new Durations()
  readonly #use = new Durations()
  readonly #queries = new Durations()
  #failedQueries = 0
  #timeouts = 0

  addWait(waitMs: number): void {
    this.#wait.add(waitMs)
  }

  addUse(useMs: number): void {
    this.#use.add(useMs)
  }

  addTimeout(): void {
    this.#timeouts += 1
  }

  addQuery(event: QueryEvent): void {
    this.#queries.add(event.durationMs)
    if (event.outcome === 'failed') this.#failedQueries += 1
  }

  snapshot(counts: Pick<PoolSnapshot, 'total' | 'idle' | 'waiting' | 'max'>): PoolSnapshot {
    return Object.freeze({
      ...counts,
      timeouts: this.#timeouts,
      wait: this.#wait.summary(),
      use: this.#use.summary(),
      queries: Object.freeze({ ...this.#queries.summary(), failed: this.#failedQueries }),
    })
  }
}
