import { defineService, type Clock, type Service, type Timer } from '@cidadao/contracts'
import type { BusListener, BusSubscription, InvalidationBus } from './logical-clock.ts'

/** A namespace's clock, as far as keeping it up to date goes. */
export interface Watched {
  /** Whether anybody would notice: memory holds something, or invalidations wait to be recorded. */
  readonly active: boolean
  refresh(): Promise<boolean>
}

export interface HeartbeatParts {
  readonly time: Clock
  readonly random: () => number
  readonly heartbeatMs: number
  readonly buses: readonly InvalidationBus[]
  readonly installation: string
  readonly watched: () => Iterable<Watched>
  readonly onMessage: BusListener['onMessage']
}

/**
 * Keeps memory believable: listens to the buses, which tell soon but may lose, and asks the shared clocks of all
 * namespaces in use at every beat, which loses nothing. Asking, not being sent a heartbeat: an answer proves what the
 * clock knows, a heartbeat that arrives would only prove that heartbeats do.
 */
export class Heartbeat {
  readonly #parts: HeartbeatParts
  #subscriptions: readonly BusSubscription[] = []
  #timer: Timer | undefined
  #beating: Promise<void> = Promise.resolve()
  #stopped = true

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
  }

  service(): Service {
    return defineService({ name: 'cache-heartbeat', start: () => this.#start(), stop: () => this.#stop() })
  }

  /** One beat. */
  async runOnce(): Promise<void> {
    const active = Array.from(this.#parts.watched()).filter((clock) => clock.active)
    await Promise.all(active.map((clock) => clock.refresh()))
  }

  async #start(): Promise<void> {
    this.#stopped = false
    this.#subscriptions = await Promise.all(this.#parts.buses.map((bus) => bus.listen(this.#parts.installation, this.#listener())))
    this.#schedule()
  }

  async #stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#beating
    await Promise.all(this.#subscriptions.map((subscription) => subscription.stop()))
    this.#subscriptions = []
  }

  #listener(): BusListener {
    return {
      onMessage: this.#parts.onMessage,
      onInterrupted: () => {
        this.#beating = Promise.all([this.#beating, this.runOnce()]).then(() => {})
      },
    }
  }

  #schedule(): void {
    if (this.#stopped) return
    // Up to a fifth earlier, so that many processes do not ask in step.
    const waitMs = this.#parts.heartbeatMs * (1 - 0.2 * this.#parts.random())
    this.#timer = this.#parts.time.schedule(waitMs, () => {
      this.#beating = this.runOnce().finally(() => this.#schedule())
    })
  }
}
