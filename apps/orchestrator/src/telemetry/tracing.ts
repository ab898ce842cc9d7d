import { AsyncLocalStorage } from 'node:async_hooks'
import type { Config } from '@cidadao/config'
import { defineService, toError, TypedEvents, type EventSource, type Service } from '@cidadao/contracts'
import {
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
} from '@opentelemetry/api'
import { openSpanSource, type SpanSource } from './span-source.ts'

export interface TracingEvents {
  /** Spans left for the collector, or did not arrive there and are lost. */
  readonly exported: { readonly spans: number; readonly outcome: 'ok' | 'failed'; readonly error?: Error }
}

/** Of the span that the running code belongs to. */
export interface TraceIds {
  readonly traceId: string
  readonly spanId: string
}

export interface SpanFacts {
  readonly attributes?: Attributes
  /** @default the active span; `root`: none */
  readonly parent?: SpanContext | 'root'
  /** What the span is to have, instead of random ones; for a root. */
  readonly ids?: TraceIds
  readonly links?: readonly Link[]
  /** In the past, for what is told when it is over. In milliseconds. @default 0 */
  readonly startedMsAgo?: number
}

export interface TracingOptions {
  readonly config: Config['tracing']
  readonly version: string
}

/**
 * Traces, where an address for them is configured; else every method does nothing and the SDK is not even loaded. The
 * active span is kept in an `AsyncLocalStorage` of its own and nothing is registered globally, so that two of these in
 * one process do not meet.
 */
export class Tracing implements Service {
  readonly name = 'tracing'
  readonly #options: TracingOptions
  readonly #events = new TypedEvents<TracingEvents>()
  readonly #active = new AsyncLocalStorage<Span | undefined>()
  readonly #lifecycle: Service
  #source: SpanSource | undefined

  constructor(options: TracingOptions) {
    this.#options = options
    this.#lifecycle = defineService({ name: this.name, start: () => this.#open(), stop: () => this.#close() })
  }

  get events(): EventSource<TracingEvents> {
    return this.#events
  }

  /** Whether an address is configured. Subscribing to events only to do nothing can be saved where not. */
  get enabled(): boolean {
    return this.#options.config.endpoint !== undefined
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** Sends what has ended and is not sent yet. A collector that does not answer holds this up for seconds at most. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /** For log lines: the active span, sampled or not. */
  current(): TraceIds | undefined {
    return this.#active.getStore()?.spanContext()
  }

  /** For exemplars: only what a reader will find. */
  currentSampled(): TraceIds | undefined {
    const span = this.#active.getStore()
    return span?.isRecording() === true ? span.spanContext() : undefined
  }

  /** Runs `work` within a span, which ends with it; a rejection is its failure and passes on. */
  async inSpan<T>(name: string, facts: SpanFacts, work: () => Promise<T>): Promise<T> {
    const span = this.begin(name, facts)
    if (span === undefined) return work()
    try {
      return await this.#active.run(span, work)
    } catch (thrown) {
      fail(span, thrown)
      throw thrown
    } finally {
      span.end()
    }
  }

  /** Begins a span that the caller ends; `undefined` where there are no traces. */
  begin(name: string, { attributes = {}, parent, ids, links = [], startedMsAgo = 0 }: SpanFacts = {}): Span | undefined {
    const source = this.#source
    if (source === undefined) return undefined
    const context = this.#contextOf(parent)
    const options = { attributes, links: [...links], ...(startedMsAgo > 0 ? { startTime: Date.now() - startedMsAgo } : {}) }
    return ids === undefined
      ? source.tracer.startSpan(name, options, context)
      : source.withIds(ids, () => source.tracer.startSpan(name, options, ROOT_CONTEXT))
  }

  /**
   * Makes the span active for the rest of what runs now, across its awaits, until another one is entered: for code that
   * tells by events where its work begins and ends.
   */
  enter(span: Span | SpanContext | undefined): void {
    if (this.#source !== undefined) this.#active.enterWith(span !== undefined && 'traceId' in span ? trace.wrapSpanContext(span) : span)
  }

  /** Runs `work` with this span as the active one. */
  within<T>(span: Span | undefined, work: () => T): T {
    return span === undefined ? work() : this.#active.run(span, work)
  }

  /** Records what has just ended, under the active span. Without one it belongs to no trace and is left out. */
  ended(name: string, facts: { readonly durationMs: number; readonly attributes?: Attributes; readonly failure?: string }): void {
    if (this.#active.getStore() === undefined) return
    const span = this.begin(name, {
      startedMsAgo: facts.durationMs,
      ...(facts.attributes === undefined ? {} : { attributes: facts.attributes }),
    })
    if (facts.failure !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR, message: facts.failure })
    span?.end()
  }

  /** Notes something without a duration on the active span. */
  note(name: string, attributes: Attributes): void {
    this.#active.getStore()?.addEvent(name, attributes)
  }

  #contextOf(parent: SpanFacts['parent']): Context {
    if (parent === 'root') return ROOT_CONTEXT
    if (parent !== undefined) return trace.setSpanContext(ROOT_CONTEXT, parent)
    const active = this.#active.getStore()
    return active === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, active)
  }

  async #open(): Promise<void> {
    const { config, version } = this.#options
    if (config.endpoint === undefined) return
    this.#source = await openSpanSource({
      endpoint: config.endpoint,
      headers: config.headers?.reveal(),
      serviceName: config.serviceName,
      sampleRatio: config.sampleRatio,
      version,
      onExported: (exported) => this.#events.emit('exported', exported),
    })
  }

  async #close(): Promise<void> {
    const source = this.#source
    this.#source = undefined
    await source?.close()
  }
}

/** Only the error's code and class: texts may hold what a trace must not. */
export function fail(span: Span, thrown: unknown): void {
  const error = toError(thrown)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  span.setAttribute('error.type', code)
  span.setStatus({ code: SpanStatusCode.ERROR, message: code })
}
