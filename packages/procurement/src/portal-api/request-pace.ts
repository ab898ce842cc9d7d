import { delay, type Clock } from '@cidadao/contracts'

interface PaceOptions {
  readonly clock: Clock
  readonly dayRequestsPerMinute: number
  readonly nightRequestsPerMinute: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** Brasília has had no summer time since 2019. */
const BRASILIA_OFFSET_MS = -3 * HOUR_MS
const NIGHT_ENDS_AT_HOUR = 6

/** Spaces requests evenly, so that no minute has more than the Portal allows at that time of day. */
export class RequestPace {
  readonly #options: PaceOptions
  #nextMs = Number.NEGATIVE_INFINITY

  constructor(options: PaceOptions) {
    this.#options = options
  }

  /** Waits for the next place, in the order of the calls. A caller that gives up leaves its place unused. */
  async wait(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const now = clock.monotonicMs()
    const placeMs = Math.max(now, this.#nextMs)
    this.#nextMs = placeMs + MINUTE_MS / this.#limitAt(clock.now())
    if (placeMs > now) await delay(clock, placeMs - now, signal)
  }

  #limitAt(instant: Date): number {
    const { dayRequestsPerMinute, nightRequestsPerMinute } = this.#options
    const hour = new Date(instant.getTime() + BRASILIA_OFFSET_MS).getUTCHours()
    return hour < NIGHT_ENDS_AT_HOUR ? nightRequestsPerMinute : dayRequestsPerMinute
  }
}
