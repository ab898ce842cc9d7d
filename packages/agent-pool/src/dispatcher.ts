import type { JsonValue, TypedEvents } from '@cidadao/contracts'
import type { ResolvedPoolOptions } from './agent-pool-options.ts'
import { CircuitOpenError, DeadlineExceededError, QueueFullError, RunCancelledError } from './errors.ts'
import type { AgentPoolEvents } from './events.ts'
import type { Assignment, Execution } from './execution/execution.ts'
import { executeInline } from './execution/inline-execution.ts'
import { PoolRun, type PoolRunHost, type RunEnding } from './execution/pool-run.ts'
import { executeInThread } from './execution/thread-execution.ts'
import type { ResolvedRunOptions } from './run-options.ts'
import type { Bulkhead } from './scheduling/bulkhead.ts'
import { RunQueue } from './scheduling/run-queue.ts'
import type { AgentThread } from './threads/agent-thread.ts'
import type { ThreadCrew } from './threads/thread-crew.ts'

export interface DispatcherParts {
  readonly options: ResolvedPoolOptions
  readonly bulkheads: ReadonlyMap<string, Bulkhead>
  readonly crew: ThreadCrew
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
  readonly #threadOf = new Map<PoolRun, AgentThread>()
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
    return this.#runs.size - this.#queue.size
  }

  /** How many more runs of the agent would begin at once. */
  capacity(bulkhead: Bulkhead): number {
    if (bulkhead.circuit.state === 'open') return 0
    const free = bulkhead.freeSlots - bulkhead.queued
    return Math.max(0, bulkhead.agent.isolation === 'thread' ? Math.min(free, this.#parts.crew.idle) : free)
  }

  /** Admits a run or throws why not. Its slot, or its place in the queue, is taken when this returns. */
  submit(bulkhead: Bulkhead, submission: Submission): PoolRun {
    const { clock, cancelGraceMs } = this.#parts.options
    const room = this.#canBegin(bulkhead)
    this.#requireWanted(bulkhead, submission.options)
    if (!room) this.#requirePlace(bulkhead, submission.options.tenant)
    const probe = this.#requireClosedCircuit(bulkhead)
    const run = new PoolRun({ ...submission, sequence: ++this.#sequence, bulkhead, probe, clock, cancelGraceMs }, this)
    this.#runs.add(run)
    if (room) this.#begin(run)
    else this.#enqueue(run)
    return run
  }

  /** Begins what can begin. */
  dispatch(): void {
    const mayRun = (agent: string): boolean => {
      const bulkhead = this.#parts.bulkheads.get(agent)
      return bulkhead !== undefined && this.#canBegin(bulkhead)
    }
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

  settled(run: PoolRun, ending: RunEnding): void {
    const { bulkhead } = run
    this.#runs.delete(run)
    bulkhead.outcomes[ending.outcome]++
    if (ending.runMs !== undefined) {
      bulkhead.running--
      bulkhead.noteRunTime(ending.runMs)
    }
    this.#emitEnding(run, ending)
    this.#judgeCircuit(run, ending)
    this.#giveBackThread(run)
    this.dispatch()
    this.#parts.onRunEnded()
  }

  get #nowMs(): number {
    return this.#parts.options.clock.monotonicMs()
  }

  #canBegin(bulkhead: Bulkhead): boolean {
    return bulkhead.freeSlots > 0 && (bulkhead.agent.isolation === 'inline' || this.#parts.crew.idle > 0)
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
  }

  #begin(run: PoolRun): void {
    run.bulkhead.running++
    const queuedMs = run.begin(this.#execute(run))
    this.#parts.events.emit('runStarted', { agent: run.agent, queuedMs })
  }

  #execute(run: PoolRun): Execution {
    const { agent } = run.bulkhead
    const { options, crew } = this.#parts
    const assignment = this.#assignmentOf(run)
    if (agent.isolation === 'inline') return executeInline(agent, assignment, { limits: options, clock: options.clock })
    const thread = crew.acquire()
    if (thread === undefined) throw new Error('a run was begun without a free thread')
    this.#threadOf.set(run, thread)
    return executeInThread(thread, assignment)
  }

  #assignmentOf(run: PoolRun): Assignment {
    const { events } = this.#parts
    const { runId, agent, rawInput, parsedInput, tenant, options } = run
    return {
      runId,
      agent,
      rawInput,
      parsedInput,
      tenant,
      deadline: options.deadline,
      wantsProgress: options.onProgress !== undefined,
      onProgress: (progress: JsonValue) =>
        run.deliverProgress(progress, (error) => events.emit('progressListenerFailed', { agent, error })),
      onProgressDropped: (count) => (run.bulkhead.progressDropped += count),
    }
  }

  #giveBackThread(run: PoolRun): void {
    const thread = this.#threadOf.get(run)
    if (thread === undefined) return
    this.#threadOf.delete(run)
    this.#parts.crew.release(thread)
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
    const { bulkhead, agent, probe } = run
    const { circuit } = bulkhead
    if (ending.outcome === 'crashed' || (ending.outcome === 'timed-out' && ending.forced)) {
      const openMs = circuit.reportCrash(this.#nowMs)
      if (openMs !== undefined) this.#openCircuit(bulkhead, openMs)
    } else if (ending.runMs !== undefined && (ending.outcome === 'succeeded' || ending.outcome === 'failed')) {
      if (circuit.reportSurvival(probe)) this.#parts.events.emit('circuitClosed', { agent })
    } else circuit.reportUnproven(probe, this.#nowMs)
  }

  #openCircuit(bulkhead: Bulkhead, openMs: number): void {
    const agent = bulkhead.agent.name
    this.#parts.events.emit('circuitOpened', { agent, openMs })
    const waiting = [...this.#queue].filter((run) => run.bulkhead === bulkhead)
    for (const run of waiting) run.stop({ outcome: 'refused', error: new CircuitOpenError(agent, openMs) })
  }
}
