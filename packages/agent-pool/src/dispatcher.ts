import type { JsonValue, TypedEvents } from '@cidadao/contracts'
import type { ResolvedPoolOptions } from './agent-pool-options.ts'
import { CircuitOpenError, DeadlineExceededError, QueueFullError, RunCancelledError } from './errors.ts'
import type { CrewDemand } from './crews/crew-options.ts'
import type { AgentPoolEvents } from './events.ts'
import type { Assignment, Execution } from './execution/execution.ts'
import { executeInline } from './execution/inline-execution.ts'
import { PoolRun, type FailedAttempt, type PoolRunHost, type RunEnding } from './execution/pool-run.ts'
import { executeInWorker } from './execution/worker-execution.ts'
import type { RateLimiter } from './limits/rate-limiter.ts'
import type { ResolvedRunOptions } from './run-options.ts'
import type { Bulkhead } from './scheduling/bulkhead.ts'
import { RunQueue } from './scheduling/run-queue.ts'
import type { AgentWorker } from './workers/agent-worker.ts'

export interface DispatcherParts {
  readonly options: ResolvedPoolOptions
  readonly bulkheads: ReadonlyMap<string, Bulkhead>
  readonly rateLimiter: RateLimiter
  readonly events: TypedEvents<AgentPoolEvents>
  onRunEnded(): void
}

/** A run whose input has been found valid. */
export interface Submission {
  readonly rawInput: unknown
  readonly parsedInput: unknown
  readonly options: ResolvedRunOptions
}

/**
 * Admits runs, begins them as soon as there is room, and keeps the books when they end. It never polls: it looks at
 * the queue when a run comes, when one ends and when a thread becomes free.
 */
export class Dispatcher implements PoolRunHost {
  readonly #parts: DispatcherParts
  readonly #queue: RunQueue<PoolRun>
  readonly #runs = new Set<PoolRun>()
  readonly #workerOf = new Map<PoolRun, AgentWorker>()
  #retrying = 0
  #sequence = 0

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.#queue = new RunQueue(parts.options.ageingMs)
  }

  /** Admitted and not ended; a live view. */
  get runs(): ReadonlySet<PoolRun> {
    return this.#runs
  }

  get queued(): number {
    return this.#queue.size
  }

  get running(): number {
    return this.#runs.size - this.#queue.size - this.#retrying
  }

  /** How many more runs of the agent would begin at once, or as soon as workers that may be added are there. */
  capacity(bulkhead: Bulkhead): number {
    if (bulkhead.circuit.state === 'open') return 0
    const { crew, agent, queued } = bulkhead
    const free = bulkhead.freeSlots - queued
    if (crew === undefined) return bulkhead.ready ? Math.max(0, free) : 0
    return Math.max(0, Math.min(free, crew.roomFor(agent.name) - queued))
  }

  /** Admits a run or throws why not. Its slot, or its place in the queue, is taken when this returns. */
  submit(bulkhead: Bulkhead, submission: Submission): PoolRun {
    const { clock, cancelGraceMs, random } = this.#parts.options
    const room = bulkhead.hasRoom
    this.#requireWanted(bulkhead, submission.options)
    if (!room) this.#requirePlace(bulkhead, submission.options.tenant)
    const probe = this.#requireClosedCircuit(bulkhead)
    const run = new PoolRun({ ...submission, sequence: ++this.#sequence, bulkhead, probe, clock, cancelGraceMs, random }, this)
    this.#runs.add(run)
    if (room) this.#begin(run)
    else this.#enqueue(run)
    return run
  }

  /** Begins what can begin. */
  dispatch(): void {
    const mayRun = (agent: string): boolean => this.#parts.bulkheads.get(agent)?.hasRoom ?? false
    for (;;) {
      const run = this.#queue.take(this.#nowMs, mayRun)
      if (run === undefined) return
      run.bulkhead.queued--
      this.#begin(run)
    }
  }

  leaveQueue(run: PoolRun): void {
    if (this.#queue.delete(run)) run.bulkhead.queued--
  }

  attemptFailed(run: PoolRun, { runMs, delayMs, error }: FailedAttempt): void {
    const { bulkhead, agent, attempt } = run
    bulkhead.retries++
    this.#retrying++
    this.#endAttempt(bulkhead, { runMs, overloaded: true })
    this.#parts.events.emit('runRetried', { agent, attempt, delayMs, error })
    this.#survived(run)
    this.#giveBackWorker(run)
    this.dispatch()
  }

  comeBack(run: PoolRun): void {
    this.#retrying--
    if (run.bulkhead.hasRoom) this.#begin(run)
    else this.#enqueue(run)
  }

  settled(run: PoolRun, ending: RunEnding): void {
    const { bulkhead } = run
    this.#runs.delete(run)
    bulkhead.outcomes[ending.outcome]++
    if (ending.whileRetrying) this.#retrying--
    if (ending.runMs !== undefined) this.#endAttempt(bulkhead, { runMs: ending.runMs, overloaded: isOverload(ending) })
    this.#emitEnding(run, ending)
    this.#judgeCircuit(run, ending)
    this.#giveBackWorker(run)
    this.dispatch()
    this.#parts.onRunEnded()
  }

  get #nowMs(): number {
    return this.#parts.options.clock.monotonicMs()
  }

  /** What waits for the workers that carry these agents, as far as their slots let them. */
  demandFor(agents: ReadonlySet<string>): CrewDemand {
    let waiting = 0
    for (const name of agents) {
      const bulkhead = this.#parts.bulkheads.get(name)
      if (bulkhead !== undefined) waiting += Math.min(bulkhead.queued, Math.max(0, bulkhead.freeSlots))
    }
    const nowMs = this.#nowMs
    const waitedMs = (): readonly number[] =>
      [...this.#queue].filter(({ agent }) => agents.has(agent)).map(({ submittedMs }) => nowMs - submittedMs)
    return { waiting, waitedMs }
  }

  /** A worker died while it had no run: most likely of what its last one left behind. */
  noteCrashAtRest(agent: string): void {
    const bulkhead = this.#parts.bulkheads.get(agent)
    if (bulkhead !== undefined) this.#reportCrash(bulkhead)
  }

  #endAttempt(bulkhead: Bulkhead, attempt: { readonly runMs: number; readonly overloaded: boolean }): void {
    bulkhead.adaptive?.observe({ ...attempt, inFlight: bulkhead.running })
    bulkhead.running--
    bulkhead.noteRunTime(attempt.runMs)
  }

  #requireWanted(bulkhead: Bulkhead, { signal, deadline }: ResolvedRunOptions): void {
    const { name } = bulkhead.agent
    if (signal?.aborted === true) throw new RunCancelledError(name, signal.reason)
    if (deadline !== undefined && deadline.getTime() <= this.#parts.options.clock.now().getTime()) {
      throw new DeadlineExceededError(name, deadline)
    }
  }

  #requirePlace(bulkhead: Bulkhead, tenant: string): void {
    const { agent, queueLimit, retryAfterMs } = bulkhead
    if (bulkhead.queued >= queueLimit) throw new QueueFullError(agent.name, { scope: 'agent', queueLimit, retryAfterMs })
    const { tenantQueueLimit } = this.#parts.options
    if (this.#queue.countOf(agent.name, tenant) < tenantQueueLimit) return
    throw new QueueFullError(agent.name, { scope: 'tenant', queueLimit: tenantQueueLimit, retryAfterMs })
  }

  #requireClosedCircuit(bulkhead: Bulkhead): boolean {
    const admission = bulkhead.circuit.admit(this.#nowMs)
    if (!admission.admitted) throw new CircuitOpenError(bulkhead.agent.name, admission.retryAfterMs)
    if (admission.probe) this.#parts.events.emit('circuitHalfOpened', { agent: bulkhead.agent.name })
    return admission.probe
  }

  #enqueue(run: PoolRun): void {
    this.#queue.push(run)
    run.bulkhead.queued++
    this.#parts.events.emit('runQueued', { agent: run.agent, queued: run.bulkhead.queued })
    run.bulkhead.crew?.noteDemand()
  }

  #begin(run: PoolRun): void {
    run.bulkhead.running++
    const queuedMs = run.begin(this.#execute(run))
    run.bulkhead.crew?.noteWait(queuedMs)
    this.#parts.events.emit('runStarted', { agent: run.agent, queuedMs })
  }

  #execute(run: PoolRun): Execution {
    const { agent, crew } = run.bulkhead
    const { options, rateLimiter } = this.#parts
    const assignment = this.#assignmentOf(run)
    if (agent.isolation === 'inline') return executeInline(agent, assignment, { limits: options, clock: options.clock, rateLimiter })
    const worker = crew?.acquire({ agent: agent.name, affinityKey: run.options.affinityKey })
    if (worker === undefined) throw new Error('a run was begun without a free worker')
    this.#workerOf.set(run, worker)
    return executeInWorker(worker, assignment)
  }

  #assignmentOf(run: PoolRun): Assignment {
    const { events } = this.#parts
    const { runId, agent, rawInput, parsedInput, tenant, options, attempt } = run
    return {
      runId,
      agent,
      rawInput,
      parsedInput,
      tenant,
      attempt,
      budget: options.budget,
      deadline: options.deadline,
      wantsProgress: options.onProgress !== undefined,
      onProgress: (progress: JsonValue) =>
        run.deliverProgress(progress, (error) => events.emit('progressListenerFailed', { agent, error })),
      onProgressDropped: (count) => (run.bulkhead.progressDropped += count),
    }
  }

  #giveBackWorker(run: PoolRun): void {
    const worker = this.#workerOf.get(run)
    if (worker === undefined) return
    this.#workerOf.delete(run)
    run.bulkhead.crew?.release(worker)
  }

  #emitEnding(run: PoolRun, ending: RunEnding): void {
    const { events } = this.#parts
    const { agent } = run
    if (ending.abandoned) events.emit('runAbandoned', { agent })
    events.emit('runFinished', { agent, outcome: ending.outcome, queuedMs: ending.queuedMs, runMs: ending.runMs ?? 0 })
  }

  /**
   * What counts against an agent: a thread that died under it, and a run that was out of time and would not stop. A
   * cancellation does not, however it ended, or a caller could take an agent away from everybody by cancelling.
   */
  #judgeCircuit(run: PoolRun, ending: RunEnding): void {
    const { bulkhead, probe } = run
    if (ending.outcome === 'crashed' || (ending.outcome === 'timed-out' && ending.forced)) this.#reportCrash(bulkhead)
    else if (ending.runMs !== undefined && (ending.outcome === 'succeeded' || ending.outcome === 'failed')) this.#survived(run)
    else bulkhead.circuit.reportUnproven(probe, this.#nowMs)
  }

  #survived({ bulkhead, agent, probe }: PoolRun): void {
    if (bulkhead.circuit.reportSurvival(probe)) this.#parts.events.emit('circuitClosed', { agent })
  }

  #reportCrash(bulkhead: Bulkhead): void {
    const openMs = bulkhead.circuit.reportCrash(this.#nowMs)
    if (openMs !== undefined) this.#openCircuit(bulkhead, openMs)
  }

  #openCircuit(bulkhead: Bulkhead, openMs: number): void {
    const agent = bulkhead.agent.name
    this.#parts.events.emit('circuitOpened', { agent, openMs })
    const waiting = [...this.#runs].filter((run) => run.bulkhead === bulkhead && (run.phase === 'queued' || run.phase === 'retrying'))
    for (const run of waiting) run.stop({ outcome: 'refused', error: new CircuitOpenError(agent, openMs) })
  }
}

/** Fewer runs at once may have prevented it. */
function isOverload({ outcome, runMs, transient }: RunEnding): boolean {
  return transient || outcome === 'crashed' || (outcome === 'timed-out' && runMs !== undefined)
}
