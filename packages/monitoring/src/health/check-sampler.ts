import type { Clock, Logger, Timer, TypedEvents } from '@cidadao/contracts'
import { HealthCheckTimeoutError, HealthStoppedError } from '../errors.ts'
import { debounce, type Debounced } from './debounce.ts'
import type { HealthEvents } from './events.ts'
import type { HealthStatus, ResolvedContributor } from './health-check.ts'
import { CHECK_CODES, failedSample, thrownSample, toSample, type PartSnapshot, type Sample } from './sample.ts'

export interface CheckSnapshot {
  readonly part: PartSnapshot
  readonly debounced: Debounced
  readonly sampledAt: Date
  readonly sampledAtMs: number
  readonly durationMs: number
}

export interface CheckSamplerOptions {
  readonly contributor: ResolvedContributor
  readonly clock: Clock
  readonly logger: Logger
  readonly events: TypedEvents<HealthEvents>
  /** The pause until the next run, with jitter. */
  readonly pauseMs: (intervalMs: number) => number
}

interface Run {
  readonly startedMs: number
  readonly abort: AbortController
  /** Settles with the check itself, never rejects. */
  readonly outcome: Promise<Sample>
  timeout: Timer | undefined
  /** Its sample was made, or is not wanted any more. */
  decided: boolean
}

/**
 * Runs one check over and over, and keeps what it said last.
 *
 * - *waiting*: a timer is set for the next run.
 * - *running*: the check runs and its timeout is set. What comes first makes the sample; then it waits again.
 * - *stuck*: the timeout came first and the check has still not settled. No second one is started beside it: each
 *   interval counts as a failure until it settles. A check that never does stays failed, which is what it is.
 * - *stopped*: no timer; the signal of a run is aborted.
 */
export class CheckSampler {
  readonly contributor: ResolvedContributor
  readonly #options: CheckSamplerOptions
  #run: Run | undefined
  #timer: Timer | undefined
  #stopped = true
  #stuck = false
  #snapshot: CheckSnapshot | undefined
  #lastTickMs = 0

  constructor(options: CheckSamplerOptions) {
    this.contributor = options.contributor
    this.#options = options
  }

  get snapshot(): CheckSnapshot | undefined {
    return this.#snapshot
  }

  /** When the loop last came by, in monotonic milliseconds: old means that it is dead. */
  get lastTickMs(): number {
    return this.#lastTickMs
  }

  start(): void {
    if (!this.#stopped) return
    this.#stopped = false
    this.#tick()
  }

  /** Aborts what runs and returns its end, which a check that ignores its signal may never reach. */
  stop(): Promise<unknown> {
    this.#stopped = true
    this.#timer?.cancel()
    const run = this.#run
    if (run === undefined) return Promise.resolve()
    run.decided = true
    run.timeout?.cancel()
    run.abort.abort(new HealthStoppedError(`health check ${this.contributor.name} was stopped`))
    return run.outcome
  }

  #tick(): void {
    this.#lastTickMs = this.#options.clock.monotonicMs()
    if (this.#run === undefined) this.#begin()
    else {
      this.#stuck = true
      this.#record(failedSample(this.contributor, CHECK_CODES.timeout), this.#run.startedMs)
      this.#wait()
    }
  }

  #begin(): void {
    const { clock } = this.#options
    const { name, timeoutMs } = this.contributor
    const abort = new AbortController()
    const startedMs = clock.monotonicMs()
    const run: Run = { startedMs, abort, outcome: this.#perform(abort.signal), timeout: undefined, decided: false }
    this.#run = run
    run.timeout = clock.schedule(timeoutMs, () => {
      this.#decide(run, failedSample(this.contributor, CHECK_CODES.timeout))
      abort.abort(
        new HealthCheckTimeoutError(`health check ${name} took longer than ${timeoutMs} ms`, { facts: { check: name, timeoutMs } }),
      )
    })
    void run.outcome.then((sample) => {
      this.#run = undefined
      if (this.#stuck) this.#reportLate(startedMs)
      this.#stuck = false
      this.#decide(run, sample)
    })
  }

  /** The check and its timeout both come here; the first one counts. */
  #decide(run: Run, sample: Sample): void {
    if (run.decided) return
    run.decided = true
    run.timeout?.cancel()
    this.#record(sample, run.startedMs)
    this.#wait()
  }

  async #perform(signal: AbortSignal): Promise<Sample> {
    try {
      return toSample(this.contributor, await this.contributor.check(signal))
    } catch (thrown) {
      return thrownSample(this.contributor, thrown)
    }
  }

  #wait(): void {
    if (this.#stopped) return
    const { clock, pauseMs } = this.#options
    this.#timer?.cancel()
    this.#timer = clock.schedule(pauseMs(this.contributor.intervalMs), () => this.#tick())
  }

  #record(sample: Sample, startedMs: number): void {
    const { clock, events } = this.#options
    const { name: check } = this.contributor
    const before = this.#snapshot
    const sampledAtMs = clock.monotonicMs()
    const durationMs = sampledAtMs - startedMs
    const debounced = Object.freeze(debounce(before?.debounced, sample.part.status, this.contributor))
    this.#snapshot = Object.freeze({ part: sample.part, debounced, sampledAt: clock.now(), sampledAtMs, durationMs })
    this.#logSample(sample, before)
    const { status: reported } = debounced
    events.emit('sampled', { check, status: sample.part.status, reported, durationMs })
    const from: HealthStatus = before?.debounced.status ?? 'unknown'
    if (from !== reported) events.emit('changed', { check, from, to: reported, code: sample.part.code ?? null })
  }

  /** Once a change, not once a run: a dependency that is away for an hour is not an hour of lines. */
  #logSample({ part, log }: Sample, before: CheckSnapshot | undefined): void {
    const from: HealthStatus = before?.debounced.status ?? 'unknown'
    const to = this.#snapshot?.debounced.status ?? 'unknown'
    const fields = { check: part.name, sample: part.status, from, to, code: part.code, ...log }
    const { logger } = this.#options
    if (from !== to && to === 'fail') logger[this.contributor.critical ? 'error' : 'warn']('health check is down', fields)
    else if (from === 'fail' && to !== 'fail') logger.info('health check is up again', fields)
    else if (part.status !== 'pass' && (part.status !== before?.part.status || part.code !== before.part.code)) {
      logger.warn('health check did not pass', fields)
    }
  }

  #reportLate(startedMs: number): void {
    const durationMs = this.#options.clock.monotonicMs() - startedMs
    this.#options.logger.warn('health check settled after its timeout', { check: this.contributor.name, durationMs })
  }
}
