import type { Timer } from '@cidadao/contracts'
import type { FlightView, Patience } from '../concurrency/flights.ts'
import { CacheFactoryTimeoutError } from '../errors.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import type { PreparedValue } from './prepare.ts'

export type PatienceOf = (flight: FlightView<PreparedValue>) => Patience<PreparedValue>

/**
 * How long a caller waits for a load, be it for a tier, another process or the factory: after `softTimeoutMs` it takes a
 * fallback if there is one, after `hardTimeoutMs` it goes without. The load goes on, and what it brings is stored.
 */
export function patienceOf(engine: Engine, { policy }: NamespaceContext): PatienceOf | undefined {
  const { softTimeoutMs, hardTimeoutMs } = policy
  if (softTimeoutMs === undefined && hardTimeoutMs === undefined) return undefined
  return (flight) => new CallersPatience(engine, flight, { softTimeoutMs, hardTimeoutMs })
}

interface Limits {
  readonly softTimeoutMs: number | undefined
  readonly hardTimeoutMs: number | undefined
}

class CallersPatience implements Patience<PreparedValue> {
  readonly ended: Promise<PreparedValue>
  readonly #engine: Engine
  readonly #flight: FlightView<PreparedValue>
  readonly #timers: Timer[] = []
  readonly #take: (value: PreparedValue) => void
  #over = false

  constructor(engine: Engine, flight: FlightView<PreparedValue>, { softTimeoutMs, hardTimeoutMs }: Limits) {
    const { promise, resolve, reject } = Promise.withResolvers<PreparedValue>()
    this.ended = promise
    this.#engine = engine
    this.#flight = flight
    this.#take = resolve
    const { clock } = engine
    if (softTimeoutMs !== undefined) {
      // Of the load, not of each caller: who finds it overdue already does not wait as long again.
      const waitMs = Math.max(0, flight.beganAtMs + softTimeoutMs - clock.monotonicMs())
      const soft = (): void => void flight.offered.then(() => this.#takeOffer())
      if (waitMs === 0) soft()
      else this.#timers.push(clock.schedule(waitMs, soft, { keepAlive: true }))
    }
    if (hardTimeoutMs !== undefined) {
      const hard = (): void => {
        if (!this.#takeOffer()) reject(timeoutError(hardTimeoutMs))
      }
      this.#timers.push(clock.schedule(hardTimeoutMs, hard, { keepAlive: true }))
    }
  }

  cancel(): void {
    this.#over = true
    for (const timer of this.#timers) timer.cancel()
  }

  #takeOffer(): boolean {
    const offer = this.#flight.offerNow()
    if (this.#over || offer === undefined || this.#engine.clock.monotonicMs() >= offer.untilMs) return false
    this.#over = true
    offer.onTaken()
    this.#take(offer.value)
    return true
  }
}

function timeoutError(timeoutMs: number): CacheFactoryTimeoutError {
  return new CacheFactoryTimeoutError(`no value within ${timeoutMs} ms; its load goes on`, { facts: { timeoutMs } })
}
