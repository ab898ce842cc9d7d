/** Gives the place back; a second call does nothing. */
export type GiveBack = () => void

interface Waiter {
  enter(giveBack: GiveBack): void
}

/** At most `limit` places, given out in order of arrival. A place that is given back goes straight to the next in line. */
export class Turns {
  readonly #limit: number
  readonly #waiting = new Set<Waiter>()
  #taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Waits for a place. When the signal aborts it resolves at once, without one: for what needs none any more. */
  take(signal: AbortSignal): Promise<GiveBack> {
    if (signal.aborted) return Promise.resolve(nothing)
    if (this.#taken < this.#limit) {
      this.#taken++
      return Promise.resolve(this.#place())
    }
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiter)
        resolve(nothing)
      }
      const waiter: Waiter = {
        enter: (giveBack) => {
          signal.removeEventListener('abort', onAbort)
          resolve(giveBack)
        },
      }
      this.#waiting.add(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #place(): GiveBack {
    let given = false
    return () => {
      if (given) return
      given = true
      const [next] = this.#waiting
      if (next === undefined) {
        this.#taken--
        return
      }
      this.#waiting.delete(next)
      next.enter(this.#place())
    }
  }
}

function nothing(): void {}
