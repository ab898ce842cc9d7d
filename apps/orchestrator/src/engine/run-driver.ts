import { toError, type Clock, type JsonValue, type TypedEvents } from '@cidadao/contracts'
import { AgentsUnavailableError, RunFencedError } from '../errors.ts'
import { resultStepOf, type AgentStep } from '../plan/plan.ts'
import { decide, evolve, restoreState, type RunCommand, type RunEvent, type RunOutcome, type RunState } from './decide.ts'
import type { EngineEvents } from './execution-engine.ts'
import type { RunLease, RunStore, StepEnding, StepFailure, StoredRun } from './run-store.ts'
import { inputHash, resolveInputs } from './step-inputs.ts'
import type { StepMemory, StepRunner } from './step-runner.ts'

export interface RunDriverDependencies {
  readonly store: RunStore
  readonly runner: StepRunner
  readonly memory: StepMemory
  readonly events: TypedEvents<EngineEvents>
  readonly clock: Clock
  /** When the run has taken too long, on the clock's monotonic time. */
  readonly deadlineMs: number
}

/** A step in work. */
interface Working {
  readonly abort: AbortController
  /** Never rejects. */
  readonly done: Promise<void>
}

/**
 * Carries out one run from what is stored of it: asks `decide` what to do, does it, stores it, and so
 * on until the end. One event at a time; steps run side by side. Rejects when the store fails, or the lease is lost,
 * once its steps have stopped: what is stored is then the truth, and a new driver goes on from there.
 */
export class RunDriver {
  readonly #run: StoredRun
  readonly #deps: RunDriverDependencies
  readonly #results = new Map<string, JsonValue>()
  readonly #working = new Map<string, Working>()
  readonly #stopping = new AbortController()
  readonly #finished = Promise.withResolvers<void>()
  readonly #lease: RunLease
  #state: RunState
  #queue: Promise<void> = Promise.resolve()
  #hasFinished = false
  #progressed = false

  /** `run` must have been read under the lease. */
  constructor({ run, lease }: { readonly run: StoredRun; readonly lease: RunLease }, deps: RunDriverDependencies) {
    this.#run = run
    this.#lease = lease
    this.#deps = deps
    // It may fail before `drive` looks at it.
    this.#finished.promise.catch(() => {})
    for (const [stepId, { result }] of run.steps) if (result !== undefined) this.#results.set(stepId, result)
    const steps = new Map([...run.steps].map(([id, { status, attempt, result }]) => [id, { status, attempt, output: result }]))
    // A step that was running when its process died has not ended: it waits for its next attempt.
    this.#state = restoreState({ runId: run.id, plan: run.plan, steps, running: 'lost' })
  }

  /** Whether the end of a step was stored. */
  get progressed(): boolean {
    return this.#progressed
  }

  /** Resolves when the run's end is stored. Called once. */
  async drive(): Promise<void> {
    const { clock, deadlineMs } = this.#deps
    this.#enqueue({ type: this.#run.cancelRequested ? 'cancel_requested' : 'submitted' })
    const timer = clock.schedule(Math.max(0, deadlineMs - clock.monotonicMs()), () => this.#enqueue({ type: 'timed_out' }))
    try {
      await this.#finished.promise
    } finally {
      timer.cancel()
      for (const { abort } of this.#working.values()) abort.abort(new Error('the run stopped'))
      await Promise.all([...this.#working.values()].map(({ done }) => done))
      await this.#queue
    }
  }

  cancel(): void {
    this.#enqueue({ type: 'cancel_requested' })
  }

  /** Stops working without ending the run: it is taken up again later. */
  stop(reason: Error): void {
    this.#stopping.abort(reason)
    this.#finished.reject(reason)
  }

  #enqueue(event: RunEvent): void {
    this.#queue = this.#queue.then(() => this.#handle(event)).catch((thrown: unknown) => this.stop(toError(thrown)))
  }

  async #handle(event: RunEvent): Promise<void> {
    const commands = this.#isOver() ? [] : decide(this.#state, event)
    this.#state = evolve(this.#state, event)
    for (const command of commands) {
      if (this.#isOver()) return
      await this.#execute(command)
    }
  }

  #isOver(): boolean {
    return this.#hasFinished || this.#stopping.signal.aborted
  }

  async #execute(command: RunCommand): Promise<void> {
    switch (command.type) {
      case 'start_step':
        this.#state = evolve(this.#state, { type: 'step_started', stepId: command.stepId })
        this.#startStep(this.#step(command.stepId))
        return
      case 'skip_step':
        return this.#skipStep(command)
      case 'abort_step':
        this.#working.get(command.stepId)?.abort.abort(new Error('the investigation was stopped'))
        return
      case 'finish':
        return this.#finish(command.outcome)
      default:
        throw new Error(`this engine does not know the command ${command.type}`)
    }
  }

  async #skipStep({ stepId, reason, because }: Extract<RunCommand, { type: 'skip_step' }>): Promise<void> {
    const sinceMs = this.#deps.clock.monotonicMs()
    await this.#deps.store.skipStep(this.#lease, { stepId, attempt: this.#attempts(stepId) }, because)
    this.#state = evolve(this.#state, { type: 'step_ended', stepId, status: 'skipped', reason })
    this.#emitStepEnd(stepId, 'skipped', { remembered: false, sinceMs, reason: because })
  }

  async #finish(outcome: RunOutcome): Promise<void> {
    const resultStep = resultStepOf(this.#run.plan)
    const results = resultStep === undefined || outcome.status === 'cancelled' ? undefined : this.#results.get(resultStep)
    await this.#deps.store.finish(this.#lease, outcome, results)
    this.#hasFinished = true
    const durationMs = Math.max(0, this.#deps.clock.now().getTime() - this.#run.createdAt.getTime())
    this.#deps.events.emit('run-ended', { id: this.#run.id, outcome, durationMs, results })
    this.#finished.resolve()
  }

  #startStep(step: AgentStep): void {
    const abort = new AbortController()
    const done = this.#runStep(step, abort.signal)
      .then((status) => this.#enqueue({ type: 'step_ended', stepId: step.id, status, output: this.#results.get(step.id) }))
      .catch((thrown: unknown) => this.stop(toError(thrown)))
      .finally(() => this.#working.delete(step.id))
    this.#working.set(step.id, { abort, done })
  }

  async #runStep(step: AgentStep, signal: AbortSignal): Promise<StepEnding['status']> {
    const { store, runner, clock } = this.#deps
    const sinceMs = clock.monotonicMs()
    const inputs = resolveInputs(step, this.#results)
    const hash = inputHash(step.agent, runner.agentVersions.get(step.agent) ?? '', inputs)
    const attempt = this.#attempts(step.id) + 1
    await store.startStep(this.#lease, { stepId: step.id, attempt, inputHash: hash })
    this.#deps.events.emit('step-started', { id: this.#run.id, stepId: step.id, agent: step.agent, attempt })
    const worked = await this.#work(step, { inputs, hash, signal })
    // A driver that was told to stop has no say any more: the next attempt decides how the step ends.
    this.#stopping.signal.throwIfAborted()
    const ending = await this.#storeEnding({ stepId: step.id, attempt }, worked)
    this.#progressed = true
    if (ending.status === 'completed') this.#results.set(step.id, ending.result)
    const remembered = ending.status === 'completed' && ending.remembered
    const reason = ending.status === 'failed' ? ending.failure.message : undefined
    this.#emitStepEnd(step.id, ending.status, { remembered, sinceMs, ...(reason === undefined ? {} : { reason }) })
    return ending.status
  }

  async #work(
    step: AgentStep,
    work: { readonly inputs: Readonly<Record<string, JsonValue>>; readonly hash: string; readonly signal: AbortSignal },
  ): Promise<StepEnding> {
    const { runner, memory, events } = this.#deps
    const { agent, timeoutMs } = step
    const { inputs, hash, signal } = work
    const deterministic = runner.isDeterministic(agent)
    const known = deterministic ? await memory.recall(hash) : undefined
    if (known !== undefined) return { status: 'completed', result: known, remembered: true }
    const onProgress = (progress: JsonValue): void => events.emit('step-progress', { id: this.#run.id, stepId: step.id, progress })
    let result: JsonValue
    try {
      signal.throwIfAborted()
      result = await runner.run({ agent, inputs, timeoutMs, signal, onProgress })
    } catch (thrown) {
      // Only cancelling, running out of time and stopping abort it.
      if (signal.aborted) return { status: 'cancelled' }
      if (thrown instanceof AgentsUnavailableError) throw thrown
      return { status: 'failed', failure: toFailure(thrown) }
    }
    if (deterministic) await memory.remember(hash, result)
    return { status: 'completed', result, remembered: false }
  }

  /** Stores how a step ended, and returns that: a result that cannot be stored at all is a failure of the step. */
  async #storeEnding(step: { readonly stepId: string; readonly attempt: number }, ending: StepEnding): Promise<StepEnding> {
    const { store } = this.#deps
    try {
      await store.endStep(this.#lease, step, ending)
      return ending
    } catch (thrown) {
      const error = toError(thrown)
      if (ending.status !== 'completed' || error instanceof RunFencedError || store.isOutage(error)) throw error
      const failed: StepEnding = { status: 'failed', failure: toFailure(error) }
      await store.endStep(this.#lease, step, failed)
      return failed
    }
  }

  #step(stepId: string): AgentStep {
    const step = this.#run.plan.steps.find(({ id }) => id === stepId)
    if (step?.kind !== 'agent') throw new Error(`the plan of ${this.#run.id} has no step ${stepId}`)
    return step
  }

  /** Tries before this driver; it makes one at most. */
  #attempts(stepId: string): number {
    return this.#run.steps.get(stepId)?.attempt ?? 0
  }

  #emitStepEnd(
    stepId: string,
    status: EngineEvents['step-ended']['status'],
    details: { readonly remembered: boolean; readonly sinceMs: number; readonly reason?: string },
  ): void {
    const { sinceMs, ...rest } = details
    const durationMs = this.#deps.clock.monotonicMs() - sinceMs
    this.#deps.events.emit('step-ended', { id: this.#run.id, stepId, status, durationMs, ...rest })
  }
}

function toFailure(thrown: unknown): StepFailure {
  const error = toError(thrown)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'AGENT_FAILED'
  return { code, message: error.message }
}
