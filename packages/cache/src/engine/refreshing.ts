import type { TierKey } from '../key.ts'

interface Failed {
  readonly times: number
  readonly untilMs: number
}

const SMOOTHING = 0.3
const MOST_FAILED = 1_000
const LONGEST_BACK_OFF = 64

/**
 * When a namespace's values are loaded anew ahead of their end, by XFetch: the closer the end and the longer a load takes,
 * the likelier, each hit by itself, so that processes do not come in step. A failed refresh puts off the key's next one,
 * counted from its failure, twice as long each time.
 */
export class Refreshing {
  readonly #eagerness: number
  readonly #retryAfterMs: number
  readonly #failed = new Map<string, Failed>()
  #costMs: number | undefined

  constructor(policy: { readonly refreshAhead: number; readonly retryAfterMs: number }) {
    this.#eagerness = policy.refreshAhead
    this.#retryAfterMs = policy.retryAfterMs
  }

  /** A factory has ended well. */
  took(durationMs: number): void {
    // At least a little: a load that took no time by a coarse clock still takes some.
    const costMs = Math.max(1, durationMs)
    this.#costMs = this.#costMs === undefined ? costMs : this.#costMs + (costMs - this.#costMs) * SMOOTHING
  }

  /** How long before its end a value is to be loaded anew, for this throw of the dice; 0 while no load was measured. */
  leadMs(random: number): number {
    if (this.#costMs === undefined) return 0
    return -this.#costMs * this.#eagerness * Math.log(1 - random * (1 - Number.EPSILON))
  }

  mayTry(key: TierKey, nowMs: number): boolean {
    return nowMs >= (this.#failed.get(key.id)?.untilMs ?? 0)
  }

  succeeded(key: TierKey): void {
    this.#failed.delete(key.id)
  }

  failed(key: TierKey, nowMs: number): void {
    const times = Math.min((this.#failed.get(key.id)?.times ?? 0) + 1, LONGEST_BACK_OFF)
    this.#failed.delete(key.id)
    this.#failed.set(key.id, { times, untilMs: nowMs + this.#retryAfterMs * Math.min(2 ** (times - 1), LONGEST_BACK_OFF) })
    if (this.#failed.size <= MOST_FAILED) return
    for (const oldest of this.#failed.keys()) {
      this.#failed.delete(oldest)
      return
    }
  }
}
