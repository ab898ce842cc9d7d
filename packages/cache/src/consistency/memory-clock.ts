import type { Clock } from '@cidadao/contracts'
import { installationOf } from '../key.ts'
import { advanceState, readState, type ClockState } from './clock-state.ts'
import { decodeLogged, type LoggedInvalidation } from './invalidation.ts'
import type { BusListener, BusSubscription, ClockAdvance, ClockRead, ClockReading, InvalidationBus, LogicalClock } from './logical-clock.ts'

const BOUNDS = { maxMarks: 10_000, maxLog: 1_000 }

/** A logical clock and a bus for several caches of one process. */
export class MemoryClock implements LogicalClock, InvalidationBus {
  readonly #time: Clock
  readonly #states = new Map<string, ClockState>()
  readonly #listeners = new Map<string, Set<BusListener>>()

  constructor(time: Clock) {
    this.#time = time
  }

  async advance(request: ClockAdvance): Promise<ClockReading> {
    const { namespace } = request
    const { state, reading, message } = advanceState(this.#states.get(namespace), request, { ...BOUNDS, nowMicros: this.#nowMicros() })
    this.#states.set(namespace, state)
    const decoded = decodeLogged(message)
    if (decoded !== undefined) this.#publish(decoded)
    return reading
  }

  async read(request: ClockRead): Promise<ClockReading> {
    const { state, reading } = readState(this.#states.get(request.namespace), request, this.#nowMicros())
    this.#states.set(request.namespace, state)
    return reading
  }

  async listen(installation: string, listener: BusListener): Promise<BusSubscription> {
    const listeners = this.#listeners.get(installation) ?? new Set()
    this.#listeners.set(installation, listeners.add(listener))
    return { stop: async () => void listeners.delete(listener) }
  }

  #publish(message: LoggedInvalidation): void {
    for (const { onMessage } of this.#listeners.get(installationOf(message.namespace)) ?? []) onMessage(message)
  }

  #nowMicros(): number {
    return this.#time.now().getTime() * 1_000
  }
}
