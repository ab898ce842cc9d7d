export interface ScalerOptions {
  readonly min: number
  readonly max: number
  /** Runs, working or waiting, that one worker is meant to have. */
  readonly runsPerWorker: number
  /** The wait that nineteen of twenty runs should not exceed. */
  readonly targetWaitMs: number
  /** How far back a need for more workers keeps them from being taken away. */
  readonly stabilisationMs: number
}

/** What a crew has to do, at one moment. */
export interface CrewLoad {
  readonly size: number
  readonly busy: number
  readonly waiting: number
  readonly waitP95Ms: number
}

/** How many workers a load asks for: by the depth of the queue and by how long it takes, whichever is more. */
export function desiredWorkers(load: CrewLoad, options: ScalerOptions): number {
  const byDepth = Math.ceil((load.busy + load.waiting) / options.runsPerWorker)
  return Math.min(options.max, Math.max(options.min, byDepth, byWait(load, options)))
}

/** In proportion to how far the wait is off; at most doubled at once, and never beyond one worker for each run. */
function byWait({ size, busy, waiting, waitP95Ms }: CrewLoad, { targetWaitMs }: ScalerOptions): number {
  if (waiting === 0 || waitP95Ms <= targetWaitMs) return 0
  return Math.min(Math.ceil(size * (waitP95Ms / targetWaitMs)), Math.max(1, size) * 2, busy + waiting)
}

/**
 * Grows at once and shrinks late: a crew keeps what it needed at any moment of the stabilisation window, so that load
 * which comes in waves does not end workers that the next wave starts again.
 */
export class Scaler {
  readonly #options: ScalerOptions
  /** Needs of the window, falling: what is followed by a greater need never decides. */
  #needs: readonly { readonly atMs: number; readonly workers: number }[] = []

  constructor(options: ScalerOptions) {
    this.#options = options
  }

  /** How many workers there should be now. */
  decide(load: CrewLoad, nowMs: number): number {
    const workers = desiredWorkers(load, this.#options)
    const sinceMs = nowMs - this.#options.stabilisationMs
    const kept = this.#needs.filter((need) => need.atMs > sinceMs && need.workers > workers)
    this.#needs = [...kept, { atMs: nowMs, workers }]
    return this.#needs[0]?.workers ?? workers
  }
}
