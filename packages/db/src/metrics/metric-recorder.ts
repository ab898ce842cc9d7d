import { randomInt } from 'node:crypto'
import { defineService, delay, toError, TypedEvents, type EventSource, type Service, type Timer } from '@cidadao/contracts'
import { ConstraintError, InvalidValueError } from '../errors/statement-errors.ts'
import { InvalidMetricError } from '../errors/metric-errors.ts'
import type { DropReason, MetricRecorderEvents } from './metric-events.ts'
import { requireSample, type MetricSample } from './metric-sample.ts'
import { resolveMetricRecorderOptions, type MetricRecorderOptions, type ResolvedMetricRecorderOptions } from './metric-recorder-options.ts'

export interface MetricRecorderStats {
  /** Samples taken and not stored yet. */
  readonly buffered: number
  readonly stored: number
  readonly dropped: Readonly<Record<DropReason, number>>
}

/**
 * Takes samples without waiting and writes them in batches, by count or by time.
 *
 * - *idle*: nothing is held; no timer runs.
 * - *gathering*: samples wait for their interval, or for enough others.
 * - *writing*: one batch at a time is on its way. A batch that fails is kept, and tried again after an interval.
 * - *stopped*: what is left was written, as far as the time allowed. Later samples are dropped.
 *
 * Memory is bounded: while the database is away the oldest samples give way, so that the history goes on from the
 * present when it is back. Every sample has its number from here, so a batch whose answer was lost is not stored twice.
 */
export class MetricRecorder implements Service {
  readonly name = 'metric-recorder'
  readonly events: EventSource<MetricRecorderEvents>
  readonly #options: ResolvedMetricRecorderOptions
  readonly #events = new TypedEvents<MetricRecorderEvents>()
  readonly #lifecycle: Service
  readonly #dropped: Record<DropReason, number> = { overflow: 0, refused: 0, stopped: 0 }
  #phase: 'new' | 'running' | 'stopped' = 'new'
  #waiting: MetricSample[] = []
  #writing: readonly MetricSample[] = []
  #flush: Promise<void> | undefined
  #timer: Timer | undefined
  /** Set while the database refuses: then the interval alone decides when to try again. */
  #failing = false
  #stored = 0
  #untoldOverflow = 0
  /** Random, so that two processes' samples of one instant do not meet; counted on, so that order is kept. */
  #nextId = randomInt(2 ** 48 - 1)

  constructor(options: MetricRecorderOptions) {
    this.#options = resolveMetricRecorderOptions(options)
    this.events = this.#events
    this.#lifecycle = defineService({ name: this.name, start: async () => this.#begin(), stop: () => this.#end() })
  }

  /** Samples taken before are written from now on. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** Writes what is left, for `stopTimeoutMs` at most; what remains then is dropped, and told. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /** Takes a sample, stamped now unless it says otherwise. Throws `InvalidMetricError`; never waits. */
  record(sample: MetricSample): void {
    const { id = this.#nextId++, timestamp = this.#options.clock.now() } = requireSample(sample)
    if (this.#phase === 'stopped') {
      this.#drop(1, 'stopped')
      return
    }
    this.#waiting.push({ ...sample, tags: structuredClone(sample.tags ?? {}), id, timestamp: new Date(timestamp) })
    this.#dropOverflow()
    if (this.#phase === 'running') this.#schedule()
  }

  /** Tries to store everything that was taken until now, once. Resolves also when it failed: that is an event. */
  async flush(): Promise<void> {
    await this.#flush
    this.#flush ??= this.#writeAll().finally(() => {
      this.#flush = undefined
      if (this.#phase === 'running') this.#schedule()
    })
    await this.#flush
  }

  stats(): MetricRecorderStats {
    return Object.freeze({ buffered: this.#buffered, stored: this.#stored, dropped: Object.freeze({ ...this.#dropped }) })
  }

  get #buffered(): number {
    return this.#waiting.length + this.#writing.length
  }

  #begin(): void {
    this.#phase = 'running'
    this.#schedule()
  }

  async #end(): Promise<void> {
    this.#phase = 'stopped'
    this.#disarm()
    const over = new AbortController()
    // Not longer than told, also while a write hangs; the pool's own stop cuts that one off.
    const deadline = delay(this.#options.clock, this.#options.stopTimeoutMs, over.signal).catch(() => {})
    await Promise.race([this.flush(), deadline])
    over.abort()
    const left = this.#buffered
    this.#waiting = []
    this.#writing = []
    if (left > 0) {
      this.#options.logger.warn('metric samples were dropped at the end', { samples: left })
      this.#drop(left, 'stopped')
    }
  }

  #schedule(): void {
    if (this.#flush !== undefined || this.#waiting.length === 0) return
    if (this.#waiting.length >= this.#options.batchSize && !this.#failing) {
      this.#disarm()
      void this.flush()
      return
    }
    this.#timer ??= this.#options.clock.schedule(this.#options.flushIntervalMs, () => {
      this.#timer = undefined
      void this.flush()
    })
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #writeAll(): Promise<void> {
    this.#disarm()
    // Only what is here now: samples that go on coming shall not keep a caller of flush() for ever.
    for (let left = this.#waiting.length; left > 0; left -= this.#options.batchSize) {
      this.#tellOverflow()
      this.#writing = this.#waiting.splice(0, Math.min(left, this.#options.batchSize))
      if (this.#writing.length === 0) return
      const unstored = await this.#write(this.#writing)
      // Stopping has counted them as dropped meanwhile.
      if (this.#writing.length === 0) return
      this.#writing = []
      this.#failing = unstored.length > 0
      if (!this.#failing) continue
      this.#waiting = [...unstored, ...this.#waiting]
      return
    }
  }

  /** Stores a batch; returns what could not be stored for now. */
  async #write(batch: readonly MetricSample[]): Promise<readonly MetricSample[]> {
    const startedMs = this.#options.clock.monotonicMs()
    try {
      await this.#options.store.record(batch)
    } catch (error) {
      return this.#afterFailure(batch, error)
    }
    // An answer that came after stopping had given the batch up does not count twice.
    if (this.#writing.length === 0) return []
    this.#stored += batch.length
    this.#events.emit('flushed', { samples: batch.length, durationMs: this.#options.clock.monotonicMs() - startedMs })
    return []
  }

  async #afterFailure(batch: readonly MetricSample[], error: unknown): Promise<readonly MetricSample[]> {
    if (!isRefusal(error)) {
      const failure = toError(error)
      const code = 'code' in failure && typeof failure.code === 'string' ? failure.code : 'DB_UNEXPECTED'
      this.#options.logger.warn('metric samples could not be stored and are kept', { code, buffered: this.#buffered })
      this.#events.emit('flush-failed', { code, buffered: this.#buffered })
      return batch
    }
    if (batch.length === 1) {
      this.#options.logger.warn('a metric sample was refused', { metric: batch[0]?.name ?? '', code: error.code })
      this.#drop(1, 'refused')
      return []
    }
    // One sample that is refused must not take the others with it, nor stand in their way for ever.
    const middle = Math.ceil(batch.length / 2)
    const first = await this.#write(batch.slice(0, middle))
    return first.length > 0 ? [...first, ...batch.slice(middle)] : this.#write(batch.slice(middle))
  }

  #dropOverflow(): void {
    const overflow = Math.min(this.#buffered - this.#options.maxBuffered, this.#waiting.length)
    if (overflow <= 0) return
    this.#waiting.splice(0, overflow)
    this.#dropped.overflow += overflow
    this.#untoldOverflow += overflow
  }

  /** Together, since each further sample of an outage would be an event of its own. */
  #tellOverflow(): void {
    const samples = this.#untoldOverflow
    if (samples === 0) return
    this.#untoldOverflow = 0
    this.#options.logger.warn('metric samples were dropped: the buffer is full', { samples })
    this.#events.emit('dropped', { samples, reason: 'overflow' })
  }

  #drop(samples: number, reason: Exclude<DropReason, 'overflow'>): void {
    this.#dropped[reason] += samples
    this.#events.emit('dropped', { samples, reason })
  }
}

/** Gathers samples and writes them in batches. Throws `InvalidOptionsError`. */
export function createMetricRecorder(options: MetricRecorderOptions): MetricRecorder {
  return new MetricRecorder(options)
}

/** The database is well, and it is the samples that it does not want. */
function isRefusal(error: unknown): error is ConstraintError | InvalidValueError | InvalidMetricError {
  return [ConstraintError, InvalidValueError, InvalidMetricError].some((type) => error instanceof type)
}
