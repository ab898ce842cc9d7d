import { toError, type Clock, type JsonValue, type TypedEvents } from '@cidadao/contracts'
import { StepFencedError } from '../errors.ts'
import type { PlanStep } from '../plan/plan.ts'
import { decide, evolve, type RunCommand, type RunEvent, type RunOutcome, type RunState } from './decide.ts'
import type { EngineEvents } from './execution-engine.ts'
import type { RunStore, StepEnding, StepFailure, StoredRun } from './run-store.ts'
import { inputHash, resolveInputs } from './step-inputs.ts'
import type { StepMemory, StepRunner } from './step-runner.ts'

export interface RunDriverDependencies {
  readonly store: RunStore
  readonly runner: StepRunner
  readonly memory: StepMemory
  readonly events: TypedEvents<EngineEvents>
  readonly clock: Clock
}

/**
 * Carries out one run from what is stored of it: asks `decide` what to do, does it, stores it, and so on until the end.
 * One event at a time; steps run side by side. Rejects when the store fails, having stopped its steps: what is stored is
 * then the truth, and a new driver goes on from there.
 */
export class RunDriver {
  readonly #run: StoredRun
  readonly #deps: RunDriverDependencies
  readonly #results = new Map<string, JsonValue>()
  readonly #working = new Map<string, AbortController>()
  readonly #stopping = new AbortController()
  readonly #finished = Promise.withResolvers<void>()
  #state: RunState
  #queue: Promise<void> = Promise.resolve()

  constructor(run: StoredRun, deps: RunDriverDependencies) {
    this.#run = run
    this.#deps = deps
    // It may fail before `drive` looks at it.
    this.#finished.promise.catch(() => {})
    for (const [stepId, { result }] of run.steps) if (result !== undefined) this.#results.set(stepId, result)
    // A step that was running when its process died has not ended: it waits for its next attempt.
    const steps = [...run.steps].map(([id, { status }]) => [id, status === 'running' ? 'pending' : status] as const)
    this.#state = { plan: run.plan, steps: new Map(steps), cancelRequested: false }
  }

  /** Resolves when the run's end is stored. */
  async drive(): Promise<void> {
    await this.#deps.store.begin(this.#run.id)
    this.#enqueue({ type: 'submitted' })
    try {
      await this.#finished.promise
    } finally {
      for (const working of this.#working.values()) working.abort(new Error('the run stopped'))
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
    if (this.#stopping.signal.aborted) return
    const commands = decide(this.#state, event)
    this.#state = evolve(this.#state, event)
    for (const command of commands) await this.#execute(command)
  }

  async #execute(command: RunCommand): Promise<void> {
    switch (command.type) {
      case 'start_step':
        this.#state = evolve(this.#state, { type: 'step_started', stepId: command.stepId })
        this.#startStep(this.#step(command.stepId))
        return
      case 'skip_step':
        await this.#deps.store.skipStep(this.#run.id, command.stepId, command.because)
        this.#state = evolve(this.#state, { type: 'step_ended', stepId: command.stepId, status: 'skipped' })
        this.#emitStepEnd(command.stepId, 'skipped', {
          remembered: false,
          sinceMs: this.#deps.clock.monotonicMs(),
          reason: command.because,
        })
        return
      case 'abort_step':
        this.#working.get(command.stepId)?.abort(new Error('the investigation was cancelled'))
        return
      case 'finish':
        return this.#finish(command.outcome)
    }
  }

  async #finish(outcome: RunOutcome): Promise<void> {
    // The last step of a plan gives the results of the investigation.
    const last = this.#run.plan.steps.at(-1)
    const results = last === undefined || outcome.status === 'cancelled' ? undefined : this.#results.get(last.id)
    await this.#deps.store.finish(this.#run.id, outcome, results)
    const durationMs = Math.max(0, this.#deps.clock.now().getTime() - this.#run.createdAt.getTime())
    this.#deps.events.emit('run-ended', { id: this.#run.id, outcome, durationMs })
    this.#finished.resolve()
  }

  #startStep(step: PlanStep): void {
    const abort = new AbortController()
    this.#working.set(step.id, abort)
    this.#runStep(step, abort.signal)
      .then((status) => this.#enqueue({ type: 'step_ended', stepId: step.id, status }))
      .catch((thrown: unknown) => this.stop(toError(thrown)))
      .finally(() => this.#working.delete(step.id))
  }

  async #runStep(step: PlanStep, signal: AbortSignal): Promise<StepEnding['status']> {
    const { store, runner, clock } = this.#deps
    const sinceMs = clock.monotonicMs()
    const inputs = resolveInputs(step, this.#results)
    const agentVersion = runner.agentVersions.get(step.agent) ?? ''
    const hash = inputHash(step.agent, agentVersion, inputs)
    const attempt = await store.startStep({ runId: this.#run.id, stepId: step.id, agent: step.agent, agentVersion, inputHash: hash })
    this.#deps.events.emit('step-started', { id: this.#run.id, stepId: step.id, agent: step.agent, attempt })
    const ending = await this.#work(step, { inputs, hash, signal })
    // A driver that was told to stop has no say any more: the next attempt decides how the step ends.
    this.#stopping.signal.throwIfAborted()
    await store.endStep({ runId: this.#run.id, stepId: step.id, attempt }, ending)
    if (ending.status === 'completed') this.#results.set(step.id, ending.result)
    const remembered = ending.status === 'completed' && ending.remembered
    const reason = ending.status === 'failed' ? ending.failure.message : undefined
    this.#emitStepEnd(step.id, ending.status, { remembered, sinceMs, ...(reason === undefined ? {} : { reason }) })
    return ending.status
  }

  async #work(
    step: PlanStep,
    work: { readonly inputs: Readonly<Record<string, JsonValue>>; readonly hash: string; readonly signal: AbortSignal },
  ): Promise<StepEnding> {
    const { runner, memory, events } = this.#deps
    const deterministic = runner.isDeterministic(step.agent)
    const known = deterministic ? await memory.recall(work.hash) : undefined
    if (known !== undefined) return { status: 'completed', result: known, remembered: true }
    try {
      const onProgress = (progress: JsonValue): void => events.emit('step-progress', { id: this.#run.id, stepId: step.id, progress })
      const result = await runner.run({
        agent: step.agent,
        inputs: work.inputs,
        timeoutMs: step.timeoutMs,
        signal: work.signal,
        onProgress,
      })
      if (deterministic) await memory.remember(work.hash, result)
      return { status: 'completed', result, remembered: false }
    } catch (thrown) {
      if (this.#state.cancelRequested && work.signal.aborted) return { status: 'cancelled' }
      return { status: 'failed', failure: toFailure(thrown) }
    }
  }

  #step(stepId: string): PlanStep {
    const step = this.#run.plan.steps.find(({ id }) => id === stepId)
    if (step === undefined) throw new StepFencedError(`the plan of ${this.#run.id} has no step ${stepId}`)
    return step
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
