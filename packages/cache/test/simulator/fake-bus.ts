import type { LoggedInvalidation } from '../../src/consistency/invalidation.ts'
import type { BusListener, BusSubscription, InvalidationBus } from '../../src/consistency/logical-clock.ts'
import { installationOf } from '../../src/key.ts'
import type { Link } from './network.ts'
import type { Random } from './random.ts'

/** What happens to messages on their way. Changed while a simulation runs. */
export interface BusState {
  loss: number
  duplication: number
}

export interface BusLineParts {
  readonly link: Link
  readonly random: Random
  readonly state: BusState
  /** With gap detection switched off: as if each message followed on what the process was told last. */
  readonly told: ReadonlyMap<string, number> | undefined
}

/** One process' ear. */
export class BusLine implements InvalidationBus {
  readonly #parts: BusLineParts
  readonly #listeners = new Map<string, BusListener>()

  constructor(parts: BusLineParts) {
    this.#parts = parts
  }

  async listen(installation: string, listener: BusListener): Promise<BusSubscription> {
    await this.#parts.link.call(() => this.#listeners.set(installation, listener)).catch(() => {})
    this.#listeners.set(installation, listener)
    listener.onInterrupted()
    return { stop: async () => void this.#listeners.delete(installation) }
  }

  publish(message: LoggedInvalidation): void {
    const { link, random, state } = this.#parts
    if (random.chance(state.loss)) return
    const copies = random.chance(state.duplication) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) link.deliver(() => this.#hear(message))
  }

  /** The subscription was made anew. */
  interrupt(): void {
    for (const { onInterrupted } of this.#listeners.values()) this.#parts.link.deliver(onInterrupted)
  }

  #hear(message: LoggedInvalidation): void {
    const { told } = this.#parts
    const listener = this.#listeners.get(installationOf(message.namespace))
    listener?.onMessage(told === undefined ? message : { ...message, previous: told.get(message.namespace) ?? 0 })
  }
}
