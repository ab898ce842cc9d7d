import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { ResolvedDefinition } from './metric-definition.ts'
import type { Exposition, MetricSnapshot, SampleSnapshot } from './metrics.ts'
import { negotiateFormat } from './negotiation.ts'

type ClientMetric = Counter<string> | Gauge<string> | Histogram<string>

interface ClientSample {
  readonly metricName?: string
  readonly labels: Readonly<Partial<Record<string, string | number>>>
  readonly value: number
}

interface Family {
  readonly definition: ResolvedDefinition
  readonly metric: ClientMetric
}

/**
 * The same metrics in the client's two text formats.
 *
 * The client has one format a registry, and in OpenMetrics it takes `_total` off its counters' names for good: after
 * one such exposition the other format would lack it. Hence two registries that share gauges and histograms, and
 * counters that carry the bare name in one and are seen under the full name in the other.
 */
export class TwoFormats {
  readonly #prometheus = new Registry(Registry.PROMETHEUS_CONTENT_TYPE)
  readonly #openMetrics = new Registry(Registry.OPENMETRICS_CONTENT_TYPE)
  readonly #families = new Map<string, Family>()
  readonly #defaultLabels: Readonly<Record<string, string>>

  constructor(defaultLabels: Readonly<Record<string, string>>) {
    this.#defaultLabels = defaultLabels
    for (const registry of [this.#prometheus, this.#openMetrics]) registry.setDefaultLabels({ ...defaultLabels })
  }

  get definitions(): readonly ResolvedDefinition[] {
    return [...this.#families.values()].map((family) => family.definition)
  }

  has(name: string): boolean {
    return this.#families.has(name)
  }

  counter(definition: ResolvedDefinition): Counter<string> {
    const { name, help, labelNames } = definition
    const metric = new Counter({ name: name.replace(/_total$/, ''), help, labelNames, registers: [this.#openMetrics] })
    new CounterView(metric, { name, help, registers: [this.#prometheus] })
    this.#families.set(name, { definition, metric })
    return metric
  }

  gauge(definition: ResolvedDefinition): Gauge<string> {
    const { name, help, labelNames } = definition
    const metric = new Gauge({ name, help, labelNames, registers: [this.#openMetrics, this.#prometheus] })
    this.#families.set(name, { definition, metric })
    return metric
  }

  histogram(
    definition: ResolvedDefinition,
    options: { readonly buckets: readonly number[]; readonly exemplars: boolean },
  ): Histogram<string> {
    const { name, help, labelNames } = definition
    const metric = new Histogram({
      name,
      help,
      labelNames,
      buckets: [...options.buckets],
      enableExemplars: options.exemplars,
      registers: [this.#openMetrics],
    })
    // Registered afterwards: the constructor refuses exemplars beside this format, which only leaves them out.
    this.#prometheus.registerMetric(metric)
    this.#families.set(name, { definition, metric })
    return metric
  }

  async expose(acceptHeader: string | undefined): Promise<Exposition> {
    const registry = negotiateFormat(acceptHeader) === 'openmetrics' ? this.#openMetrics : this.#prometheus
    return Object.freeze({ contentType: registry.contentType, body: await registry.metrics() })
  }

  async snapshot(): Promise<readonly MetricSnapshot[]> {
    return Object.freeze(await Promise.all([...this.#families.values()].map((family) => this.#copy(family))))
  }

  async #copy({ definition, metric }: Family): Promise<MetricSnapshot> {
    const { name, type, help, labelNames } = definition
    // The client hands out its live entries, so each is copied.
    const values: readonly ClientSample[] = (await metric.get()).values
    const samples = values.map((entry): SampleSnapshot => {
      const sampleName = entry.metricName ?? name
      const labels = Object.entries({ ...this.#defaultLabels, ...entry.labels }).map(([label, value]): [string, string] => [
        label,
        String(value),
      ])
      return Object.freeze({ name: sampleName, labels: Object.freeze(Object.fromEntries(labels)), value: entry.value })
    })
    return Object.freeze({ name, type, help, labels: labelNames, samples: Object.freeze(samples) })
  }
}

/** The counter under its full name. */
class CounterView extends Counter<string> {
  readonly #source: Counter<string>
  readonly #name: string

  constructor(source: Counter<string>, config: { readonly name: string; readonly help: string; readonly registers: Registry[] }) {
    super(config)
    this.#source = source
    this.#name = config.name
  }

  override async get(): ReturnType<Counter<string>['get']> {
    return { ...(await this.#source.get()), name: this.#name }
  }
}
