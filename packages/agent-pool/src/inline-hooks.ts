import { toError, type Clock, type Timer, type TypedEvents } from '@cidadao/contracts'
import type { InlineAgent } from './agent.ts'
import { AgentPoolStartError } from './errors.ts'
import type { AgentPoolEvents } from './events.ts'
import type { Bulkhead } from './scheduling/bulkhead.ts'

export interface InlineHooksOptions {
  readonly bulkheads: Iterable<Bulkhead>
  readonly startTimeoutMs: number
  readonly disposeTimeoutMs: number
  readonly probeIntervalMs: number
  readonly probeTimeoutMs: number
  readonly clock: Clock
  readonly events: TypedEvents<AgentPoolEvents>
  /** An agent that was not ready is now. */
  onReady(): void
}

/** Sets up, asks and gives up the agents that run inline, as workers do with theirs. */
export class InlineHooks {
  readonly #options: InlineHooksOptions
  readonly #agents: readonly { readonly bulkhead: Bulkhead; readonly agent: InlineAgent }[]
  #begun: readonly InlineAgent[] = []
  #timer: Timer | undefined
  #running = false

  constructor(options: InlineHooksOptions) {
    this.#options = options
    this.#agents = [...options.bulkheads].flatMap((bulkhead) =>
      bulkhead.agent.isolation === 'inline' ? [{ bulkhead, agent: bulkhead.agent }] : [],
    )
  }

  /** Sets every agent up; where one fails, the others are given up again. */
  async start(): Promise<void> {
    const { startTimeoutMs } = this.#options
    this.#running = true
    this.#begun = this.#agents.map(({ agent }) => agent)
    try {
      await Promise.all(
        this.#begun.map(async (agent) => this.#within(startTimeoutMs, `init of agent "${agent.name}"`, () => agent.init?.())),
      )
    } catch (thrown) {
      await this.stop()
      throw new AgentPoolStartError(`an agent was not set up: ${toError(thrown).message}`, { cause: thrown })
    }
    await this.#probeAll()
    this.#arm()
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#timer?.cancel()
    const { disposeTimeoutMs, events } = this.#options
    const begun = this.#begun
    this.#begun = []
    const disposed = begun.map(async (agent) => {
      try {
        await this.#within(disposeTimeoutMs, `dispose of agent "${agent.name}"`, () => agent.dispose?.())
      } catch (thrown) {
        events.emit('agentDisposeFailed', { agent: agent.name, error: toError(thrown) })
      }
    })
    await Promise.all(disposed)
  }

  #arm(): void {
    const { clock, probeIntervalMs } = this.#options
    if (probeIntervalMs === 0 || !this.#running || this.#agents.every(({ agent }) => agent.probe === undefined)) return
    this.#timer = clock.schedule(probeIntervalMs, () => void this.#probeAll().then(() => this.#arm()))
  }

  async #probeAll(): Promise<void> {
    await Promise.all(this.#agents.map(async ({ bulkhead, agent }) => this.#probe(bulkhead, agent)))
  }

  async #probe(bulkhead: Bulkhead, agent: InlineAgent): Promise<void> {
    if (agent.probe === undefined) return
    const { probeTimeoutMs, events } = this.#options
    try {
      await this.#within(probeTimeoutMs, `probe of agent "${agent.name}"`, () => agent.probe?.())
      const wasReady = bulkhead.ready
      bulkhead.ready = true
      if (!wasReady) this.#options.onReady()
    } catch (thrown) {
      bulkhead.ready = false
      events.emit('agentUnready', { agent: agent.name, error: toError(thrown) })
    }
  }

  /** Waits for a hook, but not for ever. */
  async #within(limitMs: number, what: string, hook: () => void | Promise<void>): Promise<void> {
    const { promise: tooLong, reject } = Promise.withResolvers<never>()
    const timer = this.#options.clock.schedule(limitMs, () => reject(new Error(`${what} took longer than ${limitMs} ms`)), {
      keepAlive: true,
    })
    try {
      await Promise.race([hook(), tooLong])
    } finally {
      timer.cancel()
    }
  }
}
