import { toError, type Clock, type InfraError, type JsonValue, type Timer } from '@cidadao/contracts'
import {
  AgentCrashedError,
  AgentFailedError,
  AgentInputInvalidError,
  AgentOutputInvalidError,
  DeadlineExceededError,
  QueueTimeoutError,
  RunCancelledError,
  RunTimeoutError,
} from '../errors.ts'
import type { RunOutcome } from '../events.ts'
import { linkSignals, type LinkedSignal } from '../link-signals.ts'
import type { ResolvedRunOptions, RunPriority } from '../run-options.ts'
import { checkAgainst } from '../schema-check.ts'
import type { Bulkhead } from '../scheduling/bulkhead.ts'
import type { QueueEntry } from '../scheduling/run-queue.ts'
import type { Execution, ExecutionResult } from './execution.ts'

export interface PoolRunParts {
  readonly sequence: number
  readonly bulkhead: Bulkhead
  readonly rawInput: unknown
  readonly parsedInput: unknown
  readonly options: ResolvedRunOptions
  /** Whether it is the one run by which the agent's circuit is tried. */
  readonly probe: boolean
  readonly clock: Clock
  readonly cancelGraceMs: number
}

/** What a run asks of its pool. Each method is called at most once for a run, `settled` always. */
export interface PoolRunHost {
  /** It waits no longer and will not run. */
  leaveQueue(run: PoolRun): void
  settled(run: PoolRun, ending: RunEnding): void
}

/** How it ended, for the books; the caller gets the value or the error. */
export interface RunEnding {
  readonly outcome: RunOutcome
  /** Undefined where it never began. */
  readonly runMs: number | undefined
  readonly queuedMs: number
  /** It did not stop when asked and had to be killed or abandoned. */
  readonly forced: boolean
  readonly abandoned: boolean
  /** Undefined where it succeeded. */
  readonly error: InfraError | undefined
}

/** Why a run must end now, before it does by itself. */
export interface StopOrder {
  readonly outcome: Exclude<RunOutcome, 'succeeded'>
  readonly error: InfraError
}

type Phase =
  | { readonly name: 'queued' }
  | { readonly name: 'running'; readonly execution: Execution; readonly startedMs: number }
  | { readonly name: 'stopping'; readonly startedMs: number; readonly order: StopOrder; forced: boolean }
  | { readonly name: 'settled' }

/**
 * One submitted run, from admission to its end.
 *
 * - *queued*: waits in the pool's queue, guarded by the queue timeout or the deadline, whichever is nearer.
 * - *running*: an agent works on it, guarded by the run timeout or the deadline.
 * - *stopping*: the agent's signal has aborted. When it stops, or is killed after the grace period, the run ends with
 *   the order's error, also where the agent still came up with a result: who was told "cancelled" is never told otherwise.
 * - *settled*: the caller has the result or the error, and nothing of the run is left anywhere.
 */
export class PoolRun implements QueueEntry {
  readonly result: Promise<unknown>
  readonly submittedMs: number
  readonly #parts: PoolRunParts
  readonly #host: PoolRunHost
  readonly #deadlineMs: number
  readonly #callerSignal: LinkedSignal | undefined
  #resolve: (value: unknown) => void = () => {}
  #reject: (error: InfraError) => void = () => {}
  #phase: Phase = { name: 'queued' }
  #timer: Timer | undefined
  #queuedMs = 0

  constructor(parts: PoolRunParts, host: PoolRunHost) {
    this.#parts = parts
    this.#host = host
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { clock, options } = parts
    this.submittedMs = clock.monotonicMs()
    // The deadline is a wall-clock instant; from here on it is a duration, which a clock that jumps cannot change.
    this.#deadlineMs =
      options.deadline === undefined ? Number.POSITIVE_INFINITY : this.submittedMs + options.deadline.getTime() - clock.now().getTime()
    this.#callerSignal = this.#followCaller(options.signal)
    this.#guard(options.queueTimeoutMs, () => new QueueTimeoutError(this.agent, options.queueTimeoutMs))
  }

  get sequence(): number {
    return this.#parts.sequence
  }
  get runId(): string {
    return String(this.#parts.sequence)
  }
  get agent(): string {
    return this.#parts.bulkhead.agent.name
  }
  get tenant(): string {
    return this.#parts.options.tenant
  }
  get priority(): RunPriority {
    return this.#parts.options.priority
  }
  get cost(): number {
    return this.#parts.options.cost
  }
  get bulkhead(): Bulkhead {
    return this.#parts.bulkhead
  }
  get probe(): boolean {
    return this.#parts.probe
  }
  get rawInput(): unknown {
    return this.#parts.rawInput
  }
  get parsedInput(): unknown {
    return this.#parts.parsedInput
  }
  get options(): ResolvedRunOptions {
    return this.#parts.options
  }
  get phase(): Phase['name'] {
    return this.#phase.name
  }

  /** Queued → running. Returns how long it waited. */
  begin(execution: Execution): number {
    const { clock, options } = this.#parts
    const startedMs = clock.monotonicMs()
    this.#queuedMs = startedMs - this.submittedMs
    this.#phase = { name: 'running', execution, startedMs }
    this.#guard(options.timeoutMs, () => new RunTimeoutError(this.agent, options.timeoutMs))
    void execution.result.then((result) => this.#finish(result))
    return this.#queuedMs
  }

  /** Ends the run early: at once where it waits, by signal, grace and death where it runs. */
  stop(order: StopOrder): void {
    const phase = this.#phase
    if (phase.name === 'queued') {
      this.#queuedMs = this.#parts.clock.monotonicMs() - this.submittedMs
      this.#host.leaveQueue(this)
      this.#settle({ outcome: order.outcome, error: order.error })
    } else if (phase.name === 'running') {
      const stopping: Phase = { name: 'stopping', startedMs: phase.startedMs, order, forced: false }
      this.#phase = stopping
      phase.execution.cancel(order.error)
      this.#arm(this.#parts.cancelGraceMs, () => {
        stopping.forced = true
        phase.execution.kill()
      })
    }
  }

  /** The newest progress, for the caller's listener; a listener that throws is reported and disturbs nothing. */
  deliverProgress(progress: JsonValue, onListenerError: (error: Error) => void): void {
    try {
      this.#parts.options.onProgress?.(progress)
    } catch (thrown) {
      onListenerError(toError(thrown))
    }
  }

  async #finish(result: ExecutionResult): Promise<void> {
    const verdict = await this.#judge(result)
    if (this.#phase.name === 'stopping') {
      const { order, forced } = this.#phase
      this.#settle({ outcome: order.outcome, error: order.error }, { forced, abandoned: result.kind === 'abandoned' })
    } else this.#settle(verdict)
  }

  async #judge(result: ExecutionResult): Promise<Verdict> {
    switch (result.kind) {
      case 'returned':
        return this.#parseOutput(result.output)
      case 'threw':
        return { outcome: 'failed', error: new AgentFailedError(this.agent, result.error) }
      case 'input-invalid':
        return { outcome: 'failed', error: new AgentInputInvalidError(this.agent, result.problem) }
      case 'output-invalid':
        return { outcome: 'failed', error: new AgentOutputInvalidError(this.agent, result.problem) }
      case 'died': {
        const { reason, exitCode, error } = result.death
        return { outcome: 'crashed', error: new AgentCrashedError(this.agent, { reason, exitCode, cause: error }) }
      }
      case 'abandoned':
        return { outcome: 'timed-out', error: new RunTimeoutError(this.agent, this.#parts.options.timeoutMs) }
    }
  }

  async #parseOutput(output: unknown): Promise<Verdict> {
    try {
      const check = await checkAgainst(this.#parts.bulkhead.agent.output, output)
      if (check.valid) return { outcome: 'succeeded', value: check.value }
      return { outcome: 'failed', error: new AgentOutputInvalidError(this.agent, check.problem) }
    } catch (thrown) {
      return { outcome: 'failed', error: new AgentFailedError(this.agent, toError(thrown)) }
    }
  }

  #settle(verdict: Verdict, how: { readonly forced: boolean; readonly abandoned: boolean } = { forced: false, abandoned: false }): void {
    const phase = this.#phase
    const began = phase.name === 'running' || phase.name === 'stopping'
    this.#phase = { name: 'settled' }
    this.#timer?.cancel()
    this.#callerSignal?.dispose()
    const error = verdict.outcome === 'succeeded' ? undefined : verdict.error
    const runMs = began ? this.#parts.clock.monotonicMs() - phase.startedMs : undefined
    // The caller hears first, so that what the pool does next cannot come before it.
    if (verdict.outcome === 'succeeded') this.#resolve(verdict.value)
    else this.#reject(verdict.error)
    this.#host.settled(this, { outcome: verdict.outcome, runMs, queuedMs: this.#queuedMs, error, ...how })
  }

  #followCaller(signal: AbortSignal | undefined): LinkedSignal | undefined {
    if (signal === undefined) return undefined
    const link = linkSignals([signal])
    link.signal.addEventListener('abort', () =>
      this.stop({ outcome: 'cancelled', error: new RunCancelledError(this.agent, link.signal.reason) }),
    )
    return link
  }

  /** One timer at a time: the phase's own limit, or the deadline where that is nearer. */
  #guard(limitMs: number, timeout: () => InfraError): void {
    const { clock, options } = this.#parts
    const untilDeadlineMs = this.#deadlineMs - clock.monotonicMs()
    const { deadline } = options
    const error = deadline !== undefined && untilDeadlineMs < limitMs ? () => new DeadlineExceededError(this.agent, deadline) : timeout
    this.#arm(Math.min(limitMs, untilDeadlineMs), () => this.stop({ outcome: 'timed-out', error: error() }))
  }

  #arm(delayMs: number, callback: () => void): void {
    this.#timer?.cancel()
    // Somebody waits for the result, so the process stays for it.
    this.#timer = this.#parts.clock.schedule(delayMs, callback, { keepAlive: true })
  }
}

type Verdict = { readonly outcome: 'succeeded'; readonly value: unknown } | StopOrder
