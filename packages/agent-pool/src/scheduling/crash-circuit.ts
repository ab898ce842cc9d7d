import type { CircuitBackoff, CrashIntensity } from '../agent-pool-settings.ts'
import { jitteredBackoff, type Backoff } from '../jittered-backoff.ts'

export const CIRCUIT_STATES = ['closed', 'open', 'half-open'] as const
export type CircuitState = (typeof CIRCUIT_STATES)[number]

export type Admission = { readonly admitted: true; readonly probe: boolean } | { readonly admitted: false; readonly retryAfterMs: number }

type State =
  | { readonly phase: 'closed' }
  | { readonly phase: 'open'; readonly untilMs: number; readonly backoff: Backoff }
  | { readonly phase: 'half-open'; readonly backoff: Backoff }

/**
 * Restart intensity of one agent, as of an OTP supervisor: too many crashes in too short a time, and it is left alone.
 *
 * - *closed*: everything is admitted; crashes are counted over a sliding window.
 * - *open*: nothing is admitted until the back-off is over; each opening in a row doubles it, with jitter.
 * - *half-open*: one probe is admitted; it closes the circuit unless it crashes, which opens it again.
 *
 * Only the back-off comes from cockatiel. Its own breaker reads the wall clock, which may jump, cannot be moved by a
 * test, and lets calls wait without limit while it is half open.
 */
export class CrashCircuit {
  readonly #intensity: CrashIntensity
  readonly #backoff: CircuitBackoff
  readonly #random: () => number
  #crashes: readonly number[] = []
  #state: State = { phase: 'closed' }

  constructor(intensity: CrashIntensity, backoff: CircuitBackoff, random: () => number = Math.random) {
    this.#intensity = intensity
    this.#backoff = backoff
    this.#random = random
  }

  get state(): CircuitState {
    return this.#state.phase
  }

  /** Whether a new run may come in. An admitted probe must be answered with one of the three reports below. */
  admit(nowMs: number): Admission {
    const state = this.#state
    if (state.phase === 'closed') return { admitted: true, probe: false }
    if (state.phase === 'half-open') return { admitted: false, retryAfterMs: Math.ceil(state.backoff.duration) }
    if (nowMs < state.untilMs) return { admitted: false, retryAfterMs: Math.ceil(state.untilMs - nowMs) }
    this.#state = { phase: 'half-open', backoff: state.backoff }
    return { admitted: true, probe: true }
  }

  /** A run ended without a crash, well or badly. True where that closed the circuit. */
  reportSurvival(probe: boolean): boolean {
    if (!probe || this.#state.phase !== 'half-open') return false
    this.#state = { phase: 'closed' }
    this.#crashes = []
    return true
  }

  /** The probe never ran, or was cancelled, and proves nothing: the next run is the probe. */
  reportUnproven(probe: boolean, nowMs: number): void {
    if (probe && this.#state.phase === 'half-open') this.#state = { phase: 'open', untilMs: nowMs, backoff: this.#state.backoff }
  }

  /** A run crashed. The back-off where that opened the circuit. */
  reportCrash(nowMs: number): number | undefined {
    if (this.#state.phase === 'open') return undefined
    this.#crashes = [...this.#crashes, nowMs].filter((at) => nowMs - at < this.#intensity.withinMs)
    if (this.#state.phase === 'closed' && this.#crashes.length < this.#intensity.crashes) return undefined
    const backoff = this.#state.phase === 'half-open' ? this.#state.backoff.next(undefined) : jitteredBackoff(this.#backoff, this.#random)
    this.#crashes = []
    this.#state = { phase: 'open', untilMs: nowMs + backoff.duration, backoff }
    return Math.ceil(backoff.duration)
  }
}
