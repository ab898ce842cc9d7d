export const ADAPTIVE_ALGORITHMS = ['aimd', 'gradient2'] as const

/**
 * `aimd`: one more run at once for each round that went well, a tenth fewer after each failure. `gradient2`: fewer as
 * soon as runs take longer than they have on the long average, which is where something behind them queues.
 */
export type AdaptiveAlgorithm = (typeof ADAPTIVE_ALGORITHMS)[number]

export interface AdaptiveConcurrency {
  readonly algorithm: AdaptiveAlgorithm
  /** Fewest runs at once. @default 1 */
  readonly min?: number
  /** Runs at once to begin with. @default half of the agent's `slots` */
  readonly initial?: number
}

/** How one run went. */
export interface RunSample {
  readonly runMs: number
  /** Runs at work when it ended, itself included. */
  readonly inFlight: number
  /** It failed in a way that fewer runs at once may prevent: out of time, crashed, or a transient failure. */
  readonly overloaded: boolean
}

/** How many runs may be at work at once, learnt from how they go. */
export interface AdaptiveLimit {
  readonly limit: number
  observe(sample: RunSample): void
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly initial: number
}

export function createAdaptiveLimit({ algorithm, min = 1, initial }: AdaptiveConcurrency, slots: number): AdaptiveLimit {
  const bounds = { min, max: slots, initial: Math.min(slots, Math.max(min, initial ?? Math.ceil(slots / 2))) }
  return algorithm === 'aimd' ? new AimdLimit(bounds) : new Gradient2Limit(bounds)
}

const BACK_OFF = 0.9

/** Additive increase, multiplicative decrease, as TCP does. */
class AimdLimit implements AdaptiveLimit {
  readonly #bounds: Bounds
  #limit: number

  constructor(bounds: Bounds) {
    this.#bounds = bounds
    this.#limit = bounds.initial
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  observe({ inFlight, overloaded }: RunSample): void {
    const { min, max } = this.#bounds
    if (overloaded) this.#limit = Math.max(min, this.#limit * BACK_OFF)
    // A limit that is not used proves nothing.
    else if (inFlight >= this.limit) this.#limit = Math.min(max, this.#limit + 1 / this.#limit)
  }
}

const LONG_AVERAGE_RUNS = 600
const WARM_UP_RUNS = 10
/** How much longer than the long average is still as usual. */
const TOLERANCE = 1.5
const SMOOTHING = 0.2

/** Follows the ratio of the usual time of a run to the one just taken. */
class Gradient2Limit implements AdaptiveLimit {
  readonly #bounds: Bounds
  #limit: number
  #usualMs = 0
  #runs = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
    this.#limit = bounds.initial
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  observe({ runMs, inFlight, overloaded }: RunSample): void {
    const { min, max } = this.#bounds
    if (overloaded) {
      this.#limit = Math.max(min, this.#limit * BACK_OFF)
      return
    }
    this.#learn(runMs)
    if (inFlight < this.#limit / 2) return
    const gradient = Math.max(0.5, Math.min(1, (TOLERANCE * this.#usualMs) / Math.max(runMs, Number.MIN_VALUE)))
    // The root is what may queue: without it the limit could never grow past what it has seen.
    const wanted = this.#limit * gradient + Math.sqrt(this.#limit)
    this.#limit = Math.min(max, Math.max(min, this.#limit + SMOOTHING * (wanted - this.#limit)))
  }

  #learn(runMs: number): void {
    this.#runs++
    const weight = this.#runs <= WARM_UP_RUNS ? 1 / this.#runs : 2 / (LONG_AVERAGE_RUNS + 1)
    this.#usualMs += weight * (runMs - this.#usualMs)
    // After a long slow spell the average is far too high and would let everything pass as usual: let it fall faster.
    if (this.#usualMs / Math.max(runMs, Number.MIN_VALUE) > 2) this.#usualMs *= 0.95
  }
}
