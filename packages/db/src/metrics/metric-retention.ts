import {
  defineService,
  hasCode,
  silentLogger,
  systemClock,
  toError,
  TypedEvents,
  type Clock,
  type EventSource,
  type Logger,
  type Service,
  type Timer,
} from '@cidadao/contracts'
import { requireInteger } from '../option-checks.ts'
import type { MetricRetentionEvents } from './metric-events.ts'
import type { MetricMaintenance, MetricStore } from './metric-store.ts'

export interface MetricRetentionOptions {
  readonly store: Pick<MetricStore, 'maintain'>
  /** Age at which samples may go, in days. They go a month at a time, so the oldest are up to a month older. @default 400 */
  readonly keepDays?: number
  /** Months after the present one that get their partition ahead of time. @default 2 */
  readonly monthsAhead?: number
  /** Time between two runs, in milliseconds; the first is at the start. @default 3_600_000 */
  readonly everyMs?: number
  /** @default silent */
  readonly logger?: Logger
  /** @default the system's */
  readonly clock?: Clock
}

type ResolvedMetricRetentionOptions = Readonly<Required<MetricRetentionOptions>>

const DAY_MS = 86_400_000
const DEFAULTS: Required<Omit<MetricRetentionOptions, 'store'>> = {
  keepDays: 400,
  monthsAhead: 2,
  everyMs: 3_600_000,
  logger: silentLogger,
  clock: systemClock,
}

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveMetricRetentionOptions(options: MetricRetentionOptions): ResolvedMetricRetentionOptions {
  const resolved = { ...DEFAULTS, ...options }
  requireInteger('keepDays', resolved.keepDays, { min: 1, max: 36_500 })
  requireInteger('monthsAhead', resolved.monthsAhead, { min: 0, max: 120 })
  requireInteger('everyMs', resolved.everyMs, { min: 1 })
  return Object.freeze(resolved)
}

/**
 * Looks after the partitions of the metrics' history, again and again. Every process may run one: the database lets
 * one at a time do it.
 */
export class MetricRetention implements Service {
  readonly name = 'metric-retention'
  readonly events: EventSource<MetricRetentionEvents>
  readonly #options: ResolvedMetricRetentionOptions
  readonly #events = new TypedEvents<MetricRetentionEvents>()
  readonly #lifecycle: Service
  #timer: Timer | undefined
  #run: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(options: MetricRetentionOptions) {
    this.#options = resolveMetricRetentionOptions(options)
    this.events = this.#events
    this.#lifecycle = defineService({ name: this.name, start: async () => this.#begin(), stop: () => this.#end() })
  }

  /** Does not wait for the first run, whose failure is an event like any other's. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** Waits for a run under way. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /** One run, now. Rejects as `MetricStore.maintain` does. */
  async runOnce(): Promise<MetricMaintenance> {
    const { store, clock, keepDays, monthsAhead } = this.#options
    const today = clock.now()
    const done = await store.maintain({ today, monthsAhead, keepFrom: new Date(today.getTime() - keepDays * DAY_MS) })
    const { outcome, made, dropped, moved, deleted } = done
    this.#events.emit('maintained', { outcome, made: made.length, dropped: dropped.length, moved, deleted })
    if (dropped.length > 0) this.#options.logger.info('metrics of past months were dropped', { partitions: dropped.join(', ') })
    return done
  }

  #begin(): void {
    this.#stopping = false
    this.#run = this.#cycle()
  }

  async #end(): Promise<void> {
    this.#stopping = true
    this.#timer?.cancel()
    await this.#run
  }

  async #cycle(): Promise<void> {
    try {
      await this.runOnce()
    } catch (error) {
      this.#report(error)
    }
    if (this.#stopping) return
    this.#timer = this.#options.clock.schedule(this.#options.everyMs, () => {
      this.#run = this.#cycle()
    })
  }

  #report(error: unknown): void {
    const failure = toError(error)
    const code = 'code' in failure && typeof failure.code === 'string' ? failure.code : 'DB_UNEXPECTED'
    // Somebody reads a long series: the next run will do.
    const level = hasCode(failure, 'DB_LOCK_TIMEOUT') ? 'info' : 'warn'
    this.#options.logger[level]("the metrics' partitions were not looked after", { code })
    this.#events.emit('maintenance-failed', { code })
  }
}

/** Makes partitions ahead and drops those of months gone. Throws `InvalidOptionsError`. */
export function createMetricRetention(options: MetricRetentionOptions): MetricRetention {
  return new MetricRetention(options)
}
