import { defineService, delay, TypedEvents, type EventListener, type EventSource, type Service, type Timer } from '@cidadao/contracts'
import { HealthContributorError, HealthStoppedError } from '../errors.ts'
import { CheckSampler } from './check-sampler.ts'
import type { HealthEvents } from './events.ts'
import { resolveContributor, type HealthContributor } from './health-check.ts'
import { resolveHealthOptions, type HealthRegistryOptions } from './health-options.ts'
import { toProbe, toReport, viewCheck, type CheckView, type HealthReport, type ProbeReport, type ReportDetails } from './health-report.ts'
import { LoopWatches, type LoopWatch } from './loop-watch.ts'

/**
 * What is known about the health of the process. Every reader answers from the last samples: it costs microseconds,
 * cannot hang, opens no connection and never throws.
 */
export interface HealthRegistry extends EventSource<HealthEvents> {
  /**
   * Adds a check; sampled at once if the registry runs. The returned function takes it out again.
   * Throws `HealthContributorError` for a name in use or unusable times.
   */
  register(contributor: HealthContributor): () => void
  /** Watches a loop of the caller: `livez` fails when it stays silent for longer than `maxSilenceMs`. */
  watchLoop(name: string, options: { readonly maxSilenceMs: number }): LoopWatch
  /** Whether new work is taken: false before the start is done and from the first signal to stop. Initially false. */
  setAccepting(accepting: boolean): void
  /** Whether the process should be left running: its own loops turn. Never about dependencies. */
  livez(): ProbeReport
  /** Whether the start is done; once yes, always yes. */
  startupz(): ProbeReport
  /** Whether work may be sent here. */
  readyz(): ProbeReport
  /** All checks, as `application/health+json`. */
  report(options: { readonly details: ReportDetails }): HealthReport
  /** Resolves when every check registered by now has run once; rejects with the signal's reason, or when stopped. */
  sampled(signal?: AbortSignal): Promise<void>
}

/** A registry with its background sampler; the checks run between `start` and `stop`. */
export function createHealthRegistry(options: HealthRegistryOptions = {}): HealthRegistry & Service {
  return new SampledHealthRegistry(options)
}

/** Somebody who waits in `sampled`. */
interface Waiter {
  look(): void
  fail(error: Error): void
}

class SampledHealthRegistry implements HealthRegistry, Service {
  readonly name = 'health'
  readonly #service: Service
  readonly #options: Required<HealthRegistryOptions>
  readonly #events = new TypedEvents<HealthEvents>()
  readonly #samplers = new Map<string, CheckSampler>()
  readonly #loops: LoopWatches
  readonly #waiters = new Set<Waiter>()
  #running = false
  #accepting = false
  #startupDone = false
  #heartbeat: Timer | undefined
  #lastBeatMs = 0

  constructor(options: HealthRegistryOptions) {
    this.#options = resolveHealthOptions(options)
    this.#loops = new LoopWatches(this.#options.clock)
    this.#service = defineService({ name: this.name, start: async () => this.#begin(), stop: () => this.#end() })
    this.#events.on('sampled', () => this.#look())
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#service.start(signal)
  }

  stop(): Promise<void> {
    return this.#service.stop()
  }

  on<Name extends keyof HealthEvents>(name: Name, listener: EventListener<HealthEvents[Name]>): () => void {
    return this.#events.on(name, listener)
  }

  register(contributor: HealthContributor): () => void {
    const resolved = resolveContributor(contributor, this.#options)
    const { name } = resolved
    if (this.#samplers.has(name))
      throw new HealthContributorError(`health contributor ${name}: the name is in use`, { facts: { check: name } })
    const { clock, logger } = this.#options
    const sampler = new CheckSampler({ contributor: resolved, clock, logger, events: this.#events, pauseMs: (ms) => this.#jitter(ms) })
    this.#samplers.set(name, sampler)
    if (this.#running) sampler.start()
    return () => {
      if (this.#samplers.get(name) !== sampler) return
      this.#samplers.delete(name)
      void sampler.stop()
      this.#look()
    }
  }

  watchLoop(name: string, options: { readonly maxSilenceMs: number }): LoopWatch {
    return this.#loops.watch(name, options.maxSilenceMs)
  }

  setAccepting(accepting: boolean): void {
    this.#accepting = accepting
  }

  livez(): ProbeReport {
    if (!this.#running) return toProbe(['HEALTH_SAMPLER_STOPPED'])
    const nowMs = this.#options.clock.monotonicMs()
    const silent = nowMs - this.#lastBeatMs > this.#options.livenessSilenceMs || this.#hasDeadSampler(nowMs)
    return toProbe([...(silent ? ['HEALTH_SAMPLER_SILENT'] : []), ...this.#loops.silent().map((loop) => `${loop}:LOOP_SILENT`)])
  }

  startupz(): ProbeReport {
    return toProbe(this.#startupReasons())
  }

  readyz(): ProbeReport {
    const reasons = this.#accepting ? this.#startupReasons() : ['NOT_ACCEPTING', ...this.#startupReasons()]
    return toProbe([...reasons, ...this.#failing(this.#options.readiness)])
  }

  report(options: { readonly details: ReportDetails }): HealthReport {
    const views = [...this.#samplers.values()].map((sampler) => this.#view(sampler))
    return toReport(views, this.#options.clock.now(), options.details)
  }

  async sampled(signal?: AbortSignal): Promise<void> {
    const pending = [...this.#samplers.values()].filter((sampler) => sampler.snapshot === undefined)
    // One that was taken out meanwhile is not waited for.
    const isDone = (): boolean =>
      pending.every((sampler) => sampler.snapshot !== undefined || this.#samplers.get(sampler.contributor.name) !== sampler)
    signal?.throwIfAborted()
    if (isDone()) return
    await new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
        finish()
      }
      const onAbort = (): void => settle(() => reject(signal?.reason as Error))
      const waiter: Waiter = { look: () => isDone() && settle(resolve), fail: (error) => settle(() => reject(error)) }
      this.#waiters.add(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  #begin(): void {
    this.#running = true
    this.#beat()
    for (const sampler of this.#samplers.values()) sampler.start()
    this.#latchStartup()
  }

  async #end(): Promise<void> {
    this.#running = false
    this.#accepting = false
    this.#heartbeat?.cancel()
    for (const waiter of this.#waiters) waiter.fail(new HealthStoppedError('the health registry was stopped'))
    const ends = Promise.all([...this.#samplers.values()].map((sampler) => sampler.stop()))
    const grace = new AbortController()
    const waited = delay(this.#options.clock, this.#options.stopGraceMs, grace.signal).catch(() => {})
    await Promise.race([ends, waited])
    grace.abort()
  }

  #beat(): void {
    this.#lastBeatMs = this.#options.clock.monotonicMs()
    this.#heartbeat = this.#options.clock.schedule(this.#options.intervalMs, () => this.#beat())
  }

  #jitter(ms: number): number {
    const { jitterRatio, random } = this.#options
    return ms * (1 + jitterRatio * (2 * random() - 1))
  }

  #staleAfterMs({ contributor }: CheckSampler): number {
    return contributor.timeoutMs + this.#options.staleAfterIntervals * contributor.intervalMs
  }

  #hasDeadSampler(nowMs: number): boolean {
    const allowance = this.#options.livenessSilenceMs
    return [...this.#samplers.values()].some((sampler) => nowMs - sampler.lastTickMs > this.#staleAfterMs(sampler) + allowance)
  }

  #view(sampler: CheckSampler): CheckView {
    const nowMs = this.#options.clock.monotonicMs()
    return viewCheck(sampler.contributor, sampler.snapshot, { nowMs, staleAfterMs: this.#staleAfterMs(sampler) })
  }

  #look(): void {
    this.#latchStartup()
    for (const waiter of this.#waiters) waiter.look()
  }

  #latchStartup(): void {
    if (this.#running && this.#failing(this.#options.startup).length === 0) this.#startupDone = true
  }

  #startupReasons(): string[] {
    if (this.#startupDone) return []
    const reasons = this.#failing(this.#options.startup)
    return reasons.length > 0 ? reasons : ['STARTUP_PENDING']
  }

  /** Of the named checks, those that do not work. One that nobody registered does not. */
  #failing(names: readonly string[]): string[] {
    return names.flatMap((name) => {
      const sampler = this.#samplers.get(name)
      if (sampler === undefined) return [`${name}:HEALTH_CHECK_MISSING`]
      const { status, code } = this.#view(sampler)
      return status === 'pass' || status === 'warn' ? [] : [`${name}:${code ?? 'HEALTH_CHECK_FAILED'}`]
    })
  }
}
