import { defineService, toError, TypedEvents, type EventListener, type Service } from '@cidadao/contracts'
import type { AgentPool, DrainOptions } from './agent-pool.ts'
import { requireWhole, type ResolvedPoolOptions } from './agent-pool-options.ts'
import type { CrewListener } from './crews/crew-options.ts'
import { planCrews, type PlannedCrew } from './crews/plan-crews.ts'
import { WorkerCrew } from './crews/worker-crew.ts'
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
import { InlineHooks } from './inline-hooks.ts'
import { RateLimiter } from './limits/rate-limiter.ts'
import { poolHealth, type PoolHealth } from './pool-health.ts'
import {
  toAgentStats,
  toAgentSummary,
  toCrewStats,
  toThreadStats,
  type AgentSummary,
  type PoolState,
  type PoolStats,
} from './pool-stats.ts'
import { resolveRunOptions, type RunOptions } from './run-options.ts'
import { checkAgainst } from './schema-check.ts'
import { Bulkhead } from './scheduling/bulkhead.ts'
import { fromWireError } from './workers/wire-error.ts'

/**
 * The pool as its callers see it.
 *
 * - *stopped*: no workers; runs are refused.
 * - *running*: runs are admitted.
 * - *draining*: new runs are refused, admitted ones go on until the drain's deadline.
 * - *drained*: no run is left; the workers wait for `stop()`.
 */
export class SupervisedPool implements AgentPool {
  readonly name = 'agent-pool'
  readonly #options: ResolvedPoolOptions
  readonly #bulkheads: ReadonlyMap<string, Bulkhead>
  readonly #crews: readonly WorkerCrew[]
  readonly #hooks: InlineHooks
  readonly #dispatcher: Dispatcher
  readonly #service: Service
  readonly #events = new TypedEvents<AgentPoolEvents>()
  #state: PoolState = 'stopped'
  #drain: Drain | undefined

  constructor(options: ResolvedPoolOptions) {
    this.#options = options
    const rateLimiter = this.#createRateLimiter()
    const crewOf = new Map<string, WorkerCrew>()
    this.#crews = planCrews(options, rateLimiter).map((planned) => {
      const crew = new WorkerCrew(planned.options, this.#crewListener(planned))
      for (const { name } of planned.agents) crewOf.set(name, crew)
      return crew
    })
    this.#bulkheads = new Map(options.agents.map((agent) => [agent.name, new Bulkhead(agent, options, crewOf.get(agent.name))]))
    this.#hooks = this.#createHooks()
    this.#dispatcher = new Dispatcher({
      options,
      bulkheads: this.#bulkheads,
      rateLimiter,
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
      threads: toThreadStats(this.#crews),
      crews: this.#crews.map(toCrewStats),
      agents: [...this.#bulkheads.values()].map(toAgentStats),
    }
  }

  health(): PoolHealth {
    return poolHealth(this.#state, this.#bulkheads.values(), this.#crews)
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
    const starts = await Promise.allSettled([this.#hooks.start(), ...this.#crews.map((crew) => crew.start(signal))])
    const failed = starts.find((start) => start.status === 'rejected')
    if (failed !== undefined) {
      await this.#end()
      const error = toError(failed.reason)
      throw error instanceof AgentPoolStartError
        ? error
        : new AgentPoolStartError(`the workers did not start: ${error.message}`, { cause: error })
    }
    this.#drain = undefined
    this.#state = 'running'
  }

  async #stop(): Promise<void> {
    await this.drain()
    this.#state = 'stopped'
    await this.#end()
  }

  async #end(): Promise<void> {
    await Promise.all([this.#hooks.stop(), ...this.#crews.map((crew) => crew.stop())])
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

  #createRateLimiter(): RateLimiter {
    const { rateLimits: limits, rateLimitStore: store, clock } = this.#options
    const onStoreFailed = (upstream: string, error: Error): void => this.#events.emit('rateLimitStoreFailed', { upstream, error })
    return new RateLimiter({ limits, store, clock, onStoreFailed })
  }

  #createHooks(): InlineHooks {
    const { startTimeoutMs, cancelGraceMs: disposeTimeoutMs, probeIntervalMs, probeTimeoutMs, clock } = this.#options
    const limits = { startTimeoutMs, disposeTimeoutMs, probeIntervalMs, probeTimeoutMs }
    const onReady = (): void => this.#dispatcher.dispatch()
    return new InlineHooks({ ...limits, bulkheads: this.#bulkheads.values(), clock, events: this.#events, onReady })
  }

  #crewListener({ agents, options: { name: crew } }: PlannedCrew): CrewListener {
    const names = new Set(agents.map(({ name }) => name))
    const events = this.#events
    return {
      idle: () => this.#dispatcher.dispatch(),
      demand: () => this.#dispatcher.demandFor(names),
      started: (threads) => events.emit('threadStarted', { crew, threads }),
      recycled: (runs) => events.emit('threadRecycled', { crew, runs }),
      evicted: (workers) => events.emit('workersEvicted', { crew, workers }),
      restartedWithSibling: (workers) => events.emit('workersRestarted', { crew, workers }),
      unresponsive: () => events.emit('workerUnresponsive', { crew }),
      startFailed: (error, retryMs) => events.emit('threadStartFailed', { crew, error, retryMs }),
      unready: (unready) => {
        for (const { agent, error } of unready) events.emit('agentUnready', { agent, error: fromWireError(error) })
      },
      died: (agent, { reason }, atRest) => {
        if (reason === 'killed') events.emit('threadKilled', { crew, agent })
        else events.emit('threadCrashed', { crew, agent, reason })
        if (atRest && agent !== null && reason !== 'killed') this.#dispatcher.noteCrashAtRest(agent)
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
