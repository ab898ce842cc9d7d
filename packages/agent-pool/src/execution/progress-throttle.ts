import type { Clock, JsonValue, Timer } from '@cidadao/contracts'
import type { ProgressLimits, ProgressRest } from '../workers/wire.ts'

/**
 * Lets through the newest report, at most one each interval, and holds at most one: an agent that reports in a tight
 * loop costs its listeners nothing and no queue grows. Reports travel as JSON text, so that what the agent changes
 * afterwards does not change what was reported.
 */
export class ProgressThrottle {
  readonly #limits: ProgressLimits
  readonly #clock: Clock
  readonly #send: (json: string) => void
  #held: JsonValue | undefined
  #timer: Timer | undefined
  #lastSentMs = Number.NEGATIVE_INFINITY
  #dropped = 0
  #closed = false

  constructor(limits: ProgressLimits, clock: Clock, send: (json: string) => void) {
    this.#limits = limits
    this.#clock = clock
    this.#send = send
  }

  report(value: JsonValue): void {
    if (this.#closed) {
      this.#dropped++
      return
    }
    this.#held = value
    const waitMs = this.#lastSentMs + this.#limits.progressIntervalMs - this.#clock.monotonicMs()
    // Compared here and not left to the timer alone: in a loop that never yields no timer fires.
    if (waitMs <= 0) this.#sendHeld()
    else this.#timer ??= this.#clock.schedule(waitMs, () => this.#sendHeld())
  }

  /** Ends reporting. What was held is returned, to be delivered before the result. */
  close(): ProgressRest {
    this.#closed = true
    this.#timer?.cancel()
    const last = this.#takeHeld()
    return { last, dropped: this.#dropped }
  }

  #sendHeld(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const json = this.#takeHeld()
    this.#lastSentMs = this.#clock.monotonicMs()
    if (json !== undefined) this.#send(json)
  }

  #takeHeld(): string | undefined {
    if (this.#held === undefined) return undefined
    const json = toJson(this.#held)
    this.#held = undefined
    if (json !== undefined && json.length <= this.#limits.progressMaxChars) return json
    this.#dropped++
    return undefined
  }
}

/** Undefined where the value is not JSON: a report is never worth failing the run for, but it is counted. */
function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
