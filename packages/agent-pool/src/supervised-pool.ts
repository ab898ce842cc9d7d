import { defineService, toError, TypedEvents, type EventListener, type Service } from '@cidadao/contracts'
import type { AgentPool, DrainOptions } from './agent-pool.ts'
import { requireWhole, type ResolvedPoolOptions } from './agent-pool-options.ts'
import { Dispatcher } from './dispatcher.ts'
import { Drain, type DrainReport } from './drain.ts'
import {
  AgentFailedError,
  AgentInputInvalidError,
  AgentPoolDrainingError,
  AgentPoolNotRunningError,
  AgentPoolStartError,
  UnknownAgentError,
} from './errors.ts'
import type { AgentPoolEvents } from './events.ts'
import type { PoolRun } from './execution/pool-run.ts'
import { toAgentStats, toAgentSummary, type AgentSummary, type PoolState, type PoolStats } from './pool-stats.ts'
import { resolveRunOptions, type RunOptions } from './run-options.ts'
import { checkAgainst } from './schema-check.ts'
import { Bulkhead } from './scheduling/bulkhead.ts'
import { ThreadCrew, type ThreadCrewListener, type ThreadCrewOptions } from './threads/thread-crew.ts'

/**
 * The pool as its callers see it.
 *
 * - *stopped*: no threads; runs are refused.
 * - *running*: runs are admitted.
 * - *draining*: new runs are refused, admitted ones go on until the drain's deadline.
 * - *drained*: no run is left; the threads wait for `stop()`.
 */
export class SupervisedPool implements AgentPool {
  readonly name = 'agent-pool'
  readonly #options: ResolvedPoolOptions
  readonly #bulkheads: ReadonlyMap<string, Bulkhead>
  readonly #crew: ThreadCrew
  readonly #dispatcher: Dispatcher
  readonly #service: Service
  readonly #events = new TypedEvents<AgentPoolEvents>()
  #state: PoolState = 'stopped'
  #drain: Drain | undefined

  constructor(options: ResolvedPoolOptions, crew: ThreadCrewOptions) {
    this.#options = options
    this.#bulkheads = new Map(options.agents.map((agent) => [agent.name, new Bulkhead(agent, options)]))
    this.#crew = new ThreadCrew(crew, this.#crewListener())
    this.#dispatcher = new Dispatcher({
      options,
      bulkheads: this.#bulkheads,
      crew: this.#crew,
      events: this.#events,
      onRunEnded: () => this.#drain?.noteSettled(),
    })
    this.#service = defineService({ name: this.name, start: (signal) => this.#start(signal), stop: () => this.#stop() })
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#service.start(signal)
  }

  stop(): Promise<void> {
    return this.#service.stop()
  }

  on<Name extends keyof AgentPoolEvents>(name: Name, listener: EventListener<AgentPoolEvents[Name]>): () => void {
    return this.#events.on(name, listener)
  }

  async run(agent: string, input: unknown, options: RunOptions = {}): Promise<unknown> {
    const bulkhead = this.#bulkheadOf(agent)
    const run = await this.#admit(bulkhead, input, options)
    return run.result
  }

  capacity(agent: string): number {
    const bulkhead = this.#bulkheadOf(agent)
    return this.#state === 'running' ? this.#dispatcher.capacity(bulkhead) : 0
  }

  stats(): PoolStats {
    return {
      state: this.#state,
      running: this.#dispatcher.running,
      queued: this.#dispatcher.queued,
      threads: { alive: this.#crew.size, idle: this.#crew.idle, target: this.#crew.target },
      agents: [...this.#bulkheads.values()].map(toAgentStats),
    }
  }

  agents(): readonly AgentSummary[] {
    return [...this.#bulkheads.values()].map(toAgentSummary)
  }

  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    const deadlineMs = options.deadlineMs ?? this.#options.stopDeadlineMs
    requireWhole('deadlineMs', deadlineMs, 0)
    if (this.#state === 'stopped') return { finished: 0, handedBack: [] }
    this.#drain ??= new Drain(this.#dispatcher.runs, this.#options.clock)
    if (this.#state === 'running') this.#state = 'draining'
    this.#drain.endBy(deadlineMs)
    const report = await this.#drain.report
    if (this.#state === 'draining') {
      this.#state = 'drained'
      this.#events.emit('drained', { handedBack: report.handedBack.length })
    }
    return report
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#crew.start(signal)
    } catch (thrown) {
      const error = toError(thrown)
      throw error instanceof AgentPoolStartError
        ? error
        : new AgentPoolStartError(`the threads did not start: ${error.message}`, { cause: error })
    }
    this.#drain = undefined
    this.#state = 'running'
  }

  async #stop(): Promise<void> {
    await this.drain()
    this.#state = 'stopped'
    await this.#crew.stop()
  }

  async #admit(bulkhead: Bulkhead, rawInput: unknown, options: RunOptions): Promise<PoolRun> {
    try {
      const { runTimeoutMs } = bulkhead
      const resolved = resolveRunOptions(options, { runTimeoutMs, queueTimeoutMs: this.#options.queueTimeoutMs })
      this.#requireAdmitting()
      const parsedInput = await parseInput(bulkhead, rawInput)
      // Validation may have taken its time, and the pool may have been told to drain meanwhile.
      this.#requireAdmitting()
      return this.#dispatcher.submit(bulkhead, { rawInput, parsedInput, options: resolved })
    } catch (thrown) {
      bulkhead.rejected++
      const error = toError(thrown)
      this.#events.emit('runRejected', { agent: bulkhead.agent.name, code: 'code' in error ? String(error.code) : error.name })
      throw error
    }
  }

  #requireAdmitting(): void {
    if (this.#state === 'stopped') throw new AgentPoolNotRunningError()
    if (this.#state !== 'running') throw new AgentPoolDrainingError()
  }

  #bulkheadOf(agent: string): Bulkhead {
    const bulkhead = this.#bulkheads.get(agent)
    if (bulkhead === undefined) throw new UnknownAgentError(agent, [...this.#bulkheads.keys()])
    return bulkhead
  }

  #crewListener(): ThreadCrewListener {
    return {
      idle: () => this.#dispatcher.dispatch(),
      started: (threads) => this.#events.emit('threadStarted', { threads }),
      recycled: (runs) => this.#events.emit('threadRecycled', { runs }),
      startFailed: (error, retryMs) => this.#events.emit('threadStartFailed', { error, retryMs }),
      died: ({ lastAgent: agent }, { reason }) => {
        if (reason === 'killed') this.#events.emit('threadKilled', { agent })
        else this.#events.emit('threadCrashed', { agent, reason })
      },
    }
  }
}

/** The schema is somebody's code too: what it throws is the agent's failure. */
async function parseInput(bulkhead: Bulkhead, input: unknown): Promise<unknown> {
  const { name, input: schema } = bulkhead.agent
  const check = await Promise.resolve()
    .then(() => checkAgainst(schema, input))
    .catch((thrown: unknown) => {
      throw new AgentFailedError(name, toError(thrown))
    })
  if (!check.valid) throw new AgentInputInvalidError(name, check.problem)
  return check.value
}
