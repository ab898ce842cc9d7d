import { delay, toError, type Clock } from '@cidadao/contracts'

export interface PulseOptions {
  readonly everyMs: number
  readonly work: () => Promise<unknown>
  readonly clock: Clock
  readonly onFailed: (error: Error) => void
}

/** Does the work again and again, with a pause between; `now` cuts the pause short. One failure does not end it. */
export class Pulse {
  readonly #options: PulseOptions
  #stopping = new AbortController()
  #pause = new AbortController()
  #isWanted = false
  #running: Promise<void> = Promise.resolve()

  constructor(options: PulseOptions) {
    this.#options = options
  }

  start(): void {
    this.#stopping = new AbortController()
    this.#running = this.#run(this.#stopping.signal)
  }

  /** Resolves when the work under way has ended. */
  stop(): Promise<void> {
    this.#stopping.abort()
    this.#pause.abort()
    return this.#running
  }

  now(): void {
    this.#isWanted = true
    this.#pause.abort()
  }

  async #run(stopping: AbortSignal): Promise<void> {
    const { work, clock, everyMs, onFailed } = this.#options
    while (!stopping.aborted) {
      this.#isWanted = false
      this.#pause = new AbortController()
      try {
        await work()
      } catch (thrown) {
        onFailed(toError(thrown))
      }
      if (!this.#mayRest(stopping)) continue
      // It ends by its time or by being cut short; both are fine.
      await delay(clock, everyMs, this.#pause.signal).catch(() => {})
    }
  }

  #mayRest(stopping: AbortSignal): boolean {
    return !this.#isWanted && !stopping.aborted
  }
}
