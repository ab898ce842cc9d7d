import { toError } from '@cidadao/contracts'
import type { Tracer } from '@opentelemetry/api'
import type { IdGenerator, ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { TraceIds, TracingEvents } from './tracing.ts'

export interface SpanSourceOptions {
  readonly endpoint: string
  /** `name=value` pairs with commas between, values percent-encoded. */
  readonly headers: string | undefined
  readonly serviceName: string
  readonly sampleRatio: number
  readonly version: string
  readonly onExported: (exported: TracingEvents['exported']) => void
}

export interface SpanSource {
  readonly tracer: Tracer
  /** Whatever root span `begin` starts at once has these ids. */
  withIds<T>(ids: TraceIds, begin: () => T): T
  /** Sends what is left, and ends. */
  close(): Promise<void>
}

/** How long one export may take, and so how long a stop may wait for one. */
const EXPORT_TIMEOUT_MS = 5_000
const EXPORT_EVERY_MS = 1_000

/** Loads OpenTelemetry's SDK, which takes a moment: only programs that are traced should wait for it. */
export async function openSpanSource(options: SpanSourceOptions): Promise<SpanSource> {
  const [
    { BatchSpanProcessor, RandomIdGenerator, TraceIdRatioBasedSampler, TracerProvider },
    { OTLPTraceExporter },
    { resourceFromAttributes },
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ])
  const ids = new ChosenIds(new RandomIdGenerator())
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: toHeaders(options.headers),
    timeoutMillis: EXPORT_TIMEOUT_MS,
  })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.serviceName,
      'service.version': options.version,
      'service.instance.id': String(process.pid),
    }),
    // By the trace's id alone, so that all processes that carry out an investigation choose alike without asking.
    sampler: new TraceIdRatioBasedSampler(options.sampleRatio),
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reporting(exporter, options.onExported),
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  })
  return {
    tracer: provider.getTracer('cidadao', options.version),
    withIds: (chosen, begin) => ids.using(chosen, begin),
    // What does not arrive any more is told like all that did not; it is no reason for a stop to fail.
    close: () =>
      provider.shutdown().catch((thrown: unknown) => options.onExported({ spans: 0, outcome: 'failed', error: toError(thrown) })),
  }
}

class ChosenIds implements IdGenerator {
  readonly #otherwise: IdGenerator
  #chosen: TraceIds | undefined

  constructor(otherwise: IdGenerator) {
    this.#otherwise = otherwise
  }

  using<T>(chosen: TraceIds, begin: () => T): T {
    this.#chosen = chosen
    try {
      return begin()
    } finally {
      this.#chosen = undefined
    }
  }

  generateTraceId(): string {
    return this.#chosen?.traceId ?? this.#otherwise.generateTraceId()
  }

  generateSpanId(): string {
    return this.#chosen?.spanId ?? this.#otherwise.generateSpanId()
  }
}

/** The SDK tells nobody when an export fails; this does. */
function reporting(exporter: SpanExporter, onExported: SpanSourceOptions['onExported']): SpanExporter {
  return {
    export: (spans: ReadableSpan[], done) => {
      exporter.export(spans, (result) => {
        const ok = result.error === undefined && (result.code as number) === 0
        const failure = ok ? {} : { error: toError(result.error ?? new Error('the export failed')) }
        onExported({ spans: spans.length, outcome: ok ? 'ok' : 'failed', ...failure })
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush === undefined ? {} : { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  }
}

function toHeaders(text: string | undefined): Record<string, string> {
  if (text === undefined) return {}
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [name, decodeURIComponent(value.join('='))]
    }),
  )
}
