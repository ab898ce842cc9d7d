import { toError, type Clock, type InfraError, type JsonValue, type Timer } from '@cidadao/contracts'
import { DeadlineExceededError, QueueTimeoutError, RunCancelledError, RunTimeoutError } from '../errors.ts'
import type { RunOutcome } from '../events.ts'
import { jitteredBackoff, type Backoff } from '../jittered-backoff.ts'
import { linkSignals, type LinkedSignal } from '../link-signals.ts'
import type { ResolvedRunOptions, RunPriority } from '../run-options.ts'
import type { Bulkhead } from '../scheduling/bulkhead.ts'
import type { QueueEntry } from '../scheduling/run-queue.ts'
import { isTransientError } from '../transient-error.ts'
import type { Execution, ExecutionResult } from './execution.ts'
import { judge, type StopOrder, type Verdict } from './verdict.ts'

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
  readonly random: () => number
}

/** One attempt that failed and is to be repeated. */
export interface FailedAttempt {
  readonly runMs: number
  readonly delayMs: number
  readonly error: Error
}

/** What a run asks of its pool. `settled` is called once for each run, and last. */
export interface PoolRunHost {
  /** An attempt is over and what it held is free; the run comes back, or is settled. */
  attemptFailed(run: PoolRun, attempt: FailedAttempt): void
  /** It is time for the next attempt. */
  comeBack(run: PoolRun): void
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
  /** It ended while it waited for its next attempt. */
  readonly whileRetrying: boolean
  /** The failure is one that passes, and is not retried any more. */
  readonly transient: boolean
  /** Undefined where it succeeded. */
  readonly error: InfraError | undefined
}

type Phase =
  | { readonly name: 'queued' }
  | { readonly name: 'running'; readonly execution: Execution; readonly startedMs: number }
  | { readonly name: 'retrying' }
  | { readonly name: 'stopping'; readonly startedMs: number; readonly order: StopOrder; forced: boolean }
  | { readonly name: 'settled' }

/**
 * One submitted run, from admission to its end.
 *
 * - *queued*: waits in the pool's queue, guarded by the queue timeout or the deadline, whichever is nearer.
 * - *running*: an agent works on it, guarded by the run timeout or the deadline.
 * - *stopping*: the agent's signal has aborted. When it stops, or is killed after the grace period, the run ends with
 *   the order's error, also where the agent still came up with a result: who was told "cancelled" is never told otherwise.
 * - *retrying*: an attempt failed in passing, and the next is due in a while; the run holds nothing. Then it is queued
 *   again, with the age that it has.
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
  #attempt = 1
  #backoff: Backoff | undefined
  /** When the run timeout ends it, all attempts together; known from the first on. */
  #runUntilMs = Number.POSITIVE_INFINITY

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
    this.#guardWaiting()
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
  /** 1 for the first. */
  get attempt(): number {
    return this.#attempt
  }
  /** Whether an agent has begun with it, in this attempt or an earlier one. */
  get hasBegun(): boolean {
    return this.#phase.name === 'running' || this.#attempt > 1
  }
  get phase(): Phase['name'] {
    return this.#phase.name
  }

  /** Queued → running. Returns how long it waited. */
  begin(execution: Execution): number {
    const { clock, options } = this.#parts
    const startedMs = clock.monotonicMs()
    if (this.#attempt === 1) {
      this.#queuedMs = startedMs - this.submittedMs
      this.#runUntilMs = startedMs + options.timeoutMs
    }
    this.#phase = { name: 'running', execution, startedMs }
    this.#guard(this.#runUntilMs, () => new RunTimeoutError(this.agent, options.timeoutMs))
    void execution.result.then((result) => this.#finish(result))
    return this.#queuedMs
  }

  /** Ends the run early: at once where it waits, by signal, grace and death where it runs. */
  stop(order: StopOrder): void {
    const phase = this.#phase
    if (phase.name === 'queued' || phase.name === 'retrying') {
      if (this.#attempt === 1) this.#queuedMs = this.#parts.clock.monotonicMs() - this.submittedMs
      if (phase.name === 'queued') this.#host.leaveQueue(this)
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
    const { bulkhead, options } = this.#parts
    const verdict = await judge(result, { agent: bulkhead.agent, timeoutMs: options.timeoutMs })
    if (this.#phase.name === 'stopping') {
      const { order, forced } = this.#phase
      this.#settle({ outcome: order.outcome, error: order.error }, { forced, abandoned: result.kind === 'abandoned', transient: false })
      return
    }
    const transient = result.kind === 'threw' && verdict.outcome === 'failed' && this.#isTransient(result.error)
    if (!transient || !this.#retry(result.error)) this.#settle(verdict, { ...ON_ITS_OWN, transient })
  }

  #isTransient(error: Error): boolean {
    try {
      return (this.#parts.bulkhead.agent.isTransient ?? isTransientError)(error)
    } catch (thrown) {
      // The agent's failure matters more than that of its judge; both are told.
      error.cause ??= toError(thrown)
      return false
    }
  }

  /** False where there is no further attempt, or no time for it. */
  #retry(error: Error): boolean {
    const { clock, random, bulkhead } = this.#parts
    const { retry } = bulkhead.agent
    if (retry === undefined || this.#attempt >= retry.attempts || this.#phase.name !== 'running') return false
    const { initialMs = RETRY.initialMs, maxMs = Math.max(initialMs, RETRY.maxMs) } = retry
    const backoff = this.#backoff?.next(undefined) ?? jitteredBackoff({ initialMs, maxMs }, random)
    const delayMs = backoff.duration
    const nowMs = clock.monotonicMs()
    if (nowMs + delayMs >= Math.min(this.#runUntilMs, this.#deadlineMs)) return false
    const runMs = nowMs - this.#phase.startedMs
    this.#backoff = backoff
    this.#phase = { name: 'retrying' }
    this.#attempt++
    this.#arm(delayMs, () => this.#comeBack())
    this.#host.attemptFailed(this, { runMs, delayMs, error })
    return true
  }

  #comeBack(): void {
    this.#phase = { name: 'queued' }
    this.#guardWaiting()
    this.#host.comeBack(this)
  }

  #settle(verdict: Verdict, how: HowEnded = ON_ITS_OWN): void {
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
    const whileRetrying = phase.name === 'retrying'
    this.#host.settled(this, { outcome: verdict.outcome, runMs, queuedMs: this.#queuedMs, error, whileRetrying, ...how })
  }

  #followCaller(signal: AbortSignal | undefined): LinkedSignal | undefined {
    if (signal === undefined) return undefined
    const link = linkSignals([signal])
    link.signal.addEventListener('abort', () =>
      this.stop({ outcome: 'cancelled', error: new RunCancelledError(this.agent, link.signal.reason) }),
    )
    return link
  }

  /** A run that waits again is still within its run timeout. */
  #guardWaiting(): void {
    const { queueTimeoutMs, timeoutMs } = this.#parts.options
    const untilMs = this.#parts.clock.monotonicMs() + queueTimeoutMs
    if (this.#runUntilMs < untilMs) this.#guard(this.#runUntilMs, () => new RunTimeoutError(this.agent, timeoutMs))
    else this.#guard(untilMs, () => new QueueTimeoutError(this.agent, queueTimeoutMs))
  }

  /** One timer at a time: the phase's own limit, or the deadline where that is nearer. */
  #guard(untilMs: number, timeout: () => InfraError): void {
    const { deadline } = this.#parts.options
    const error = deadline !== undefined && this.#deadlineMs < untilMs ? () => new DeadlineExceededError(this.agent, deadline) : timeout
    const delayMs = Math.min(untilMs, this.#deadlineMs) - this.#parts.clock.monotonicMs()
    this.#arm(delayMs, () => this.stop({ outcome: 'timed-out', error: error() }))
  }

  #arm(delayMs: number, callback: () => void): void {
    this.#timer?.cancel()
    // Somebody waits for the result, so the process stays for it.
    this.#timer = this.#parts.clock.schedule(delayMs, callback, { keepAlive: true })
  }
}

const RETRY = { initialMs: 100, maxMs: 5_000 }

/** What the books want to know of an ending beside the outcome. */
type HowEnded = Pick<RunEnding, 'forced' | 'abandoned' | 'transient'>
const ON_ITS_OWN: HowEnded = { forced: false, abandoned: false, transient: false }
