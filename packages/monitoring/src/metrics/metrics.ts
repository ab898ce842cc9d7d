/** Every label says what it may hold: a closed set of values, or how many different values it takes before `other`. */
export type LabelRule = readonly string[] | { readonly limit: number }
export type LabelRules = Readonly<Record<string, LabelRule>>
/** The rules of a metric without labels. */
export type NoLabels = never

/** The labels of one observation: all of them, each within its rule. */
export type Labels<Rules extends LabelRules> = {
  readonly [Name in keyof Rules]: Rules[Name] extends readonly string[] ? Rules[Name][number] : string
}

/** No second argument where there are no labels; a complete set where there are. */
export type LabelArguments<Rules extends LabelRules> = [Rules] extends [never] ? [] : [labels: Labels<Rules>]

/** Where a label's value lands that its rule does not admit. */
export const OTHER = 'other'

export interface MetricDefinition<Rules extends LabelRules = LabelRules> {
  /** Snake case, with the base unit last: `_seconds`, `_bytes`, `_ratio`; counters end in `_total`. */
  readonly name: string
  /** One sentence for the person who meets it in a dashboard. */
  readonly help: string
  /** @default {} */
  readonly labels?: Rules
  /** Label sets kept at most; what comes after is counted under `other`. @default 1_000 */
  readonly maxSeries?: number
}

export interface CounterDefinition<Rules extends LabelRules = LabelRules> extends MetricDefinition<Rules> {
  /** Label sets shown from the start with value 0. @default every combination, where all labels are closed sets */
  readonly known?: readonly Labels<Rules>[]
}

export type GaugeDefinition<Rules extends LabelRules = LabelRules> = MetricDefinition<Rules>

export interface HistogramDefinition<Rules extends LabelRules = LabelRules> extends MetricDefinition<Rules> {
  /** Upper bounds, ascending, without +Inf. Put one where the objective is. */
  readonly buckets: readonly number[]
}

export interface StateSetDefinition<State extends string = string, Rules extends LabelRules = LabelRules> extends MetricDefinition<Rules> {
  /** Exactly one of them is 1, the others 0. */
  readonly states: readonly State[]
  /** Name of the label that carries the state. @default 'state' */
  readonly stateLabel?: string
}

/** Only ever goes up. A negative or non-finite value is refused and counted in `metrics_rejected_total`. */
export interface Counter<Rules extends LabelRules = NoLabels> {
  add(value: number, ...labels: LabelArguments<Rules>): void
  /** Shows a label set that became known, at 0, so that its first increase is seen as one. */
  init(...labels: LabelArguments<Rules>): void
}

export interface Gauge<Rules extends LabelRules = NoLabels> {
  set(value: number, ...labels: LabelArguments<Rules>): void
  add(value: number, ...labels: LabelArguments<Rules>): void
  /** Forgets a label set whose subject is gone. */
  remove(...labels: LabelArguments<Rules>): void
}

export interface Histogram<Rules extends LabelRules = NoLabels> {
  observe(value: number, ...labels: LabelArguments<Rules>): void
  /** Shows a label set with no observations. Not done for all by itself: each costs a line a bucket. */
  init(...labels: LabelArguments<Rules>): void
}

export interface StateSet<State extends string, Rules extends LabelRules = NoLabels> {
  set(state: State, ...labels: LabelArguments<Rules>): void
}

export const METRIC_TYPES = ['counter', 'gauge', 'histogram'] as const
export type MetricType = (typeof METRIC_TYPES)[number]

/** What a metric is, without its values: for documentation and for tests of rules and dashboards. */
export interface MetricDescription {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly labels: readonly string[]
}

export interface SampleSnapshot {
  /** The metric's name, or with `_bucket`, `_sum`, `_count`. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface MetricSnapshot extends MetricDescription {
  readonly samples: readonly SampleSnapshot[]
}

export interface Exposition {
  readonly contentType: string
  readonly body: string
}

/**
 * Metrics without the library behind them. Declaring throws {@link MetricDefinitionError}; observing never throws:
 * what cannot be recorded is counted in `metrics_rejected_total`, what exceeds a label's rule in `metrics_overflow_total`.
 */
export interface Metrics {
  counter<const Rules extends LabelRules = NoLabels>(definition: CounterDefinition<Rules>): Counter<Rules>
  gauge<const Rules extends LabelRules = NoLabels>(definition: GaugeDefinition<Rules>): Gauge<Rules>
  histogram<const Rules extends LabelRules = NoLabels>(definition: HistogramDefinition<Rules>): Histogram<Rules>
  stateSet<const State extends string, const Rules extends LabelRules = NoLabels>(
    definition: StateSetDefinition<State, Rules>,
  ): StateSet<State, Rules>
  /** Calls `collect` before each exposition, for values that are read and not counted; the returned function ends that. */
  onCollect(collect: () => void): () => void
  /** All metrics as text: OpenMetrics 1.0 where the header prefers it, otherwise Prometheus 0.0.4. */
  expose(acceptHeader?: string): Promise<Exposition>
  /** A frozen copy of all values at this moment; later observations do not change it. */
  snapshot(): Promise<readonly MetricSnapshot[]>
  describe(): readonly MetricDescription[]
}
