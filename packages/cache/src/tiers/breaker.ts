import type { Clock, Timer } from '@cidadao/contracts'

export const TIER_STATES = ['ok', 'slow', 'open', 'half-open'] as const
export type TierState = (typeof TIER_STATES)[number]

export interface BreakerOptions {
  /** Wait before the first probe after a failure, in milliseconds; doubles with each failed probe. */
  readonly cooldownMs: number
  readonly longestCooldownMs: number
  /** A smoothed latency above this is shown as `slow`, in milliseconds. */
  readonly slowMs: number
}

export interface BreakerParts {
  readonly clock: Clock
  readonly random: () => number
  readonly options: BreakerOptions
  /** Whether the tier is fit again; run in the background, never on a caller's time. Never rejects. */
  readonly probe: () => Promise<boolean>
  readonly onChange: (from: TierState, to: TierState) => void
}

const SMOOTHING = 0.1

/**
 * Decides whether a tier is asked at all.
 *
 * - *ok*: it is asked. A failure opens the breaker at once: each further caller would pay the full budget again.
 * - *slow*: as ok, but its smoothed latency is above `slowMs`.
 * - *open*: it is not asked, callers lose no time. After a cool-down a background probe begins.
 * - *half-open*: the probe runs; callers are still turned away. It passes → ok; fails → open, with twice the cool-down.
 *   A failure soon after a passed probe doubles it, too.
 */
export class Breaker {
  readonly #parts: BreakerParts
  #state: TierState = 'ok'
  #latencyMs = 0
  #cooldownMs: number
  #timer: Timer | undefined
  #closedAtMs = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(parts: BreakerParts) {
    this.#parts = parts
    this.#cooldownMs = parts.options.cooldownMs
  }

  get state(): TierState {
    return this.#state
  }

  get admits(): boolean {
    return this.#state === 'ok' || this.#state === 'slow'
  }

  succeeded(latencyMs: number): void {
    this.#latencyMs += (latencyMs - this.#latencyMs) * SMOOTHING
    if (this.admits) this.#become(this.#latencyMs > this.#parts.options.slowMs ? 'slow' : 'ok')
  }

  /** A failure of a call that had been admitted; late ones, when already open, change nothing. */
  failed(): void {
    if (!this.admits) return
    const { cooldownMs, longestCooldownMs } = this.#parts.options
    // A tier that passes probes and fails calls (part of a cluster gone, say) must not cost a budget at each turn.
    const relapsed = this.#parts.clock.monotonicMs() - this.#closedAtMs < longestCooldownMs
    this.#cooldownMs = relapsed ? Math.min(this.#cooldownMs * 2, longestCooldownMs) : cooldownMs
    this.#open()
  }

  /** Allows probes again after `stop`. */
  start(): void {
    this.#stopped = false
    if (this.#state === 'open') this.#schedule()
  }

  /** Ends background probing. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #open(): void {
    this.#become('open')
    this.#schedule()
  }

  #schedule(): void {
    this.#timer?.cancel()
    if (this.#stopped) return
    // Up to a fifth off, so that many processes do not probe in step.
    const waitMs = this.#cooldownMs * (1 - 0.2 * this.#parts.random())
    this.#timer = this.#parts.clock.schedule(waitMs, () => void this.#probe())
  }

  async #probe(): Promise<void> {
    this.#become('half-open')
    const passed = await this.#parts.probe()
    if (passed) {
      this.#latencyMs = 0
      this.#closedAtMs = this.#parts.clock.monotonicMs()
      this.#become('ok')
      return
    }
    this.#cooldownMs = Math.min(this.#cooldownMs * 2, this.#parts.options.longestCooldownMs)
    this.#open()
  }

  #become(next: TierState): void {
    const previous = this.#state
    if (previous === next) return
    this.#state = next
    this.#parts.onChange(previous, next)
  }
}
