import { defineService, toError, type Clock, type Service, type Timer } from '@cidadao/contracts'

export interface ExpirySweepOptions {
  /** Wait between two sweeps, in milliseconds. */
  readonly intervalMs: number
  /** Rows a statement. */
  readonly batchSize: number
}

export interface ExpirySweepParts {
  readonly clock: Clock
  readonly options: ExpirySweepOptions
  /** Deletes at most so many expired rows; resolves to how many it were. */
  readonly deleteExpired: (limit: number) => Promise<number>
  readonly onError: (error: Error) => void
}

/** Removes expired entries, which reads already ignore, so that the table does not grow. */
export class ExpirySweep {
  readonly #parts: ExpirySweepParts
  #timer: Timer | undefined
  #sweeping: Promise<void> = Promise.resolve()
  #stopped = true

  constructor(parts: ExpirySweepParts) {
    this.#parts = parts
  }

  service(): Service {
    return defineService({
      name: 'cache-expiry-sweep',
      start: async () => {
        this.#stopped = false
        this.#schedule()
      },
      stop: async () => {
        this.#stopped = true
        this.#timer?.cancel()
        await this.#sweeping
      },
    })
  }

  /** Deletes until nothing expired is left or the sweep is stopped; resolves to how many rows went. */
  async runOnce(): Promise<number> {
    const { batchSize } = this.#parts.options
    let total = 0
    let deleted = batchSize
    while (deleted === batchSize) {
      deleted = await this.#parts.deleteExpired(batchSize)
      total += deleted
      if (this.#stopped && total > 0) break
    }
    return total
  }

  #schedule(): void {
    this.#timer = this.#parts.clock.schedule(this.#parts.options.intervalMs, () => {
      this.#sweeping = this.#sweep()
    })
  }

  async #sweep(): Promise<void> {
    try {
      await this.runOnce()
    } catch (thrown) {
      this.#parts.onError(toError(thrown))
    }
    if (!this.#stopped) this.#schedule()
  }
}
