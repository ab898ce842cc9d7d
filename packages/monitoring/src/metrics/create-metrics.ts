import { silentLogger, toError, type Logger } from '@cidadao/contracts'
import type * as Client from '@prometheus-io/client'
import { MetricDefinitionError, MonitoringOptionsError } from '../errors.ts'
import { checkBuckets, knownLabelSets, resolveDefinition, type ResolvedDefinition } from './metric-definition.ts'
import type {
  Counter,
  CounterDefinition,
  Gauge,
  GaugeDefinition,
  Histogram,
  HistogramDefinition,
  LabelRules,
  Metrics,
  MetricDefinition,
  MetricType,
  NoLabels,
  StateSet,
  StateSetDefinition,
} from './metrics.ts'
import { SeriesGuard, type LabelSet } from './series-guard.ts'
import { TwoFormats } from './two-formats.ts'

export interface MetricsOptions {
  /** Labels of every series, such as the role of the process. @default {} */
  readonly defaultLabels?: Readonly<Record<string, string>>
  /** Told once a metric of what could not be recorded. @default silentLogger */
  readonly logger?: Logger
  /** Labels of the current trace, attached to histogram observations in OpenMetrics. @default none */
  readonly exemplar?: () => Readonly<Record<string, string>> | undefined
}

/** The port over its own registry of `@prometheus-io/client`, never the library's global one. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  return new PrometheusMetrics(options)
}

const NO_LABELS: LabelSet = Object.freeze({})

/**
 * The rest parameter of the port only tells the compiler which labels are due; at run time it is an optional second
 * argument, which costs no array.
 */
class PrometheusMetrics implements Metrics {
  readonly #formats: TwoFormats
  readonly #collectors = new Set<() => void>()
  readonly #logger: Logger
  readonly #exemplar: MetricsOptions['exemplar']
  readonly #complained = new Set<string>()
  readonly #overflows: Client.Counter<string>
  readonly #rejections: Client.Counter<string>

  constructor(options: MetricsOptions) {
    this.#formats = new TwoFormats(checkDefaultLabels(options.defaultLabels ?? {}))
    this.#logger = options.logger ?? silentLogger
    this.#exemplar = options.exemplar
    this.#overflows = this.#ownCounter('metrics_overflow_total', 'Observations counted under other, because a label exceeded its rule.')
    this.#rejections = this.#ownCounter('metrics_rejected_total', 'Observations that could not be recorded, such as a negative increase.')
  }

  counter<const Rules extends LabelRules = NoLabels>(definition: CounterDefinition<Rules>): Counter<Rules> {
    const resolved = this.#declare('counter', definition)
    const known = knownLabelSets(definition, resolved.maxSeries)
    const metric = this.#formats.counter(resolved)
    const guard = this.#guard(resolved)
    const add = (value: number, labels: LabelSet = NO_LABELS): void => {
      try {
        if (!Number.isFinite(value) || value < 0) throw new RangeError(`a counter was increased by ${value}`)
        metric.inc(guard.resolve(labels), value)
      } catch (thrown) {
        this.#reject(resolved.name, thrown)
      }
    }
    const init = (labels?: LabelSet): void => add(0, labels)
    known.forEach(init)
    return { add, init }
  }

  gauge<const Rules extends LabelRules = NoLabels>(definition: GaugeDefinition<Rules>): Gauge<Rules> {
    const resolved = this.#declare('gauge', definition)
    const metric = this.#formats.gauge(resolved)
    // The client shows a gauge without labels as 0 before anybody knew its value.
    metric.remove({})
    const guard = this.#guard(resolved)
    const record = (value: number, labels: LabelSet, write: 'set' | 'inc'): void => {
      try {
        if (!Number.isFinite(value)) throw new RangeError(`a gauge was given ${value}`)
        metric[write](guard.resolve(labels), value)
      } catch (thrown) {
        this.#reject(resolved.name, thrown)
      }
    }
    const remove = (labels: LabelSet = NO_LABELS): void => {
      const known = guard.find(labels)
      if (known === undefined) return
      metric.remove(known)
      guard.forget(known)
    }
    const gauge = {
      set: (value: number, labels: LabelSet = NO_LABELS) => record(value, labels, 'set'),
      add: (value: number, labels: LabelSet = NO_LABELS) => record(value, labels, 'inc'),
      remove,
    }
    return gauge
  }

  histogram<const Rules extends LabelRules = NoLabels>(definition: HistogramDefinition<Rules>): Histogram<Rules> {
    const resolved = this.#declare('histogram', definition)
    const buckets = checkBuckets(definition)
    const exemplar = this.#exemplar
    const metric = this.#formats.histogram(resolved, { buckets, exemplars: exemplar !== undefined })
    const guard = this.#guard(resolved)
    const observe = (value: number, labels: LabelSet = NO_LABELS): void => {
      try {
        // A negative one would let the sum fall, which a reader takes for a restart.
        if (!Number.isFinite(value) || value < 0) throw new RangeError(`a histogram was given ${value}`)
        const set = guard.resolve(labels)
        if (exemplar === undefined) metric.observe(set, value)
        else metric.observe({ value, labels: set, exemplarLabels: this.#exemplarLabels(resolved.name, exemplar) })
      } catch (thrown) {
        this.#reject(resolved.name, thrown)
      }
    }
    const init = (labels: LabelSet = NO_LABELS): void => {
      const seriesBefore = guard.size
      const set = guard.resolve(labels)
      // The client's zero() would wipe a label set that has observations.
      if (guard.size > seriesBefore) metric.zero(set)
    }
    return { observe, init }
  }

  stateSet<const State extends string, const Rules extends LabelRules = NoLabels>(
    definition: StateSetDefinition<State, Rules>,
  ): StateSet<State, Rules> {
    const { states, stateLabel = 'state', labels, ...rest } = definition
    const gauge: Gauge<LabelRules> = this.gauge({ ...rest, labels: { ...labels, [stateLabel]: states } })
    const set = (state: State, labels: LabelSet = NO_LABELS): void => {
      for (const candidate of states) gauge.set(candidate === state ? 1 : 0, { ...labels, [stateLabel]: candidate })
      if (!states.includes(state)) this.#reject(definition.name, new RangeError('a state outside the set'))
    }
    return { set }
  }

  onCollect(collect: () => void): () => void {
    const own = (): void => collect()
    this.#collectors.add(own)
    return () => void this.#collectors.delete(own)
  }

  async expose(acceptHeader?: string): ReturnType<Metrics['expose']> {
    this.#collect()
    return this.#formats.expose(acceptHeader)
  }

  async snapshot(): ReturnType<Metrics['snapshot']> {
    this.#collect()
    return this.#formats.snapshot()
  }

  describe(): ReturnType<Metrics['describe']> {
    return this.#formats.definitions.map(({ name, type, help, labelNames }) => Object.freeze({ name, type, help, labels: labelNames }))
  }

  #collect(): void {
    for (const collect of this.#collectors) {
      try {
        collect()
      } catch (thrown) {
        this.#reject('collector', thrown)
      }
    }
  }

  /** Without an exemplar rather than without the observation. */
  #exemplarLabels(name: string, exemplar: NonNullable<MetricsOptions['exemplar']>): LabelSet {
    try {
      return exemplar() ?? NO_LABELS
    } catch (thrown) {
      this.#reject(name, thrown)
      return NO_LABELS
    }
  }

  #declare(type: MetricType, definition: MetricDefinition): ResolvedDefinition {
    const resolved = resolveDefinition(type, definition)
    const { name } = resolved
    if (this.#formats.has(name)) throw new MetricDefinitionError(`metric ${name}: declared twice`, { facts: { metric: name } })
    return resolved
  }

  #guard({ name, rules, maxSeries }: ResolvedDefinition): SeriesGuard {
    if (Object.keys(rules).length > 0) this.#overflows.inc({ metric: name }, 0)
    return new SeriesGuard({ rules, maxSeries, onOverflow: () => this.#overflows.inc({ metric: name }, 1) })
  }

  /** Counts by metric, whose names are bounded by the declarations. */
  #ownCounter(name: string, help: string): Client.Counter<string> {
    return this.#formats.counter(resolveDefinition('counter', { name, help, labels: { metric: { limit: 10_000 } } }))
  }

  #reject(name: string, thrown: unknown): void {
    this.#rejections.inc({ metric: name }, 1)
    if (this.#complained.has(name)) return
    this.#complained.add(name)
    this.#logger.warn('a metric could not be recorded; further cases are only counted', { metric: name, error: toError(thrown) })
  }
}

function checkDefaultLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(labels)) {
    if (/^[a-z][a-z0-9_]*$/.test(name) && value !== '') continue
    throw new MonitoringOptionsError(`defaultLabels: names are snake case and values not empty; got ${JSON.stringify({ [name]: value })}`)
  }
  return Object.freeze({ ...labels })
}
