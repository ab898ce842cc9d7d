import { MetricDefinitionError } from '../errors.ts'
import type { CounterDefinition, HistogramDefinition, LabelRules, MetricDefinition, MetricType } from './metrics.ts'

const METRIC_NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/
const LABEL_NAME = METRIC_NAME
/** Written by the exposition formats themselves. */
const RESERVED_LABELS: readonly string[] = ['le', 'quantile']
/** Suffixes that the formats derive from counters and histograms; on anything else they mislead a reader. */
const DERIVED_SUFFIXES = /_(total|count|sum|bucket|created|info)$/
const HISTOGRAM_UNITS = /_(seconds|bytes|ratio)$/
const SCALED_UNITS = /_(ms|milliseconds|microseconds|nanoseconds|minutes|hours|days|kb|mb|kilobytes|megabytes|percent)(_|$)/
const DEFAULTS = { maxSeries: 1_000 }

export interface ResolvedDefinition {
  readonly name: string
  readonly help: string
  readonly type: MetricType
  readonly labelNames: readonly string[]
  readonly rules: LabelRules
  readonly maxSeries: number
}

/** Completes and checks what all kinds of metrics share. */
export function resolveDefinition(type: MetricType, definition: MetricDefinition): ResolvedDefinition {
  const { name, help, labels: rules = {}, maxSeries = DEFAULTS.maxSeries } = definition
  checkName(type, name)
  require(/^[^"\\\n]+$/.test(help), name, 'help must be one line without quotes and backslashes', help)
  for (const [label, rule] of Object.entries(rules)) checkLabel(name, label, rule)
  require(Number.isSafeInteger(maxSeries) && maxSeries > 0, name, 'maxSeries must be a positive integer', maxSeries)
  return Object.freeze({ name, help, type, labelNames: Object.freeze(Object.keys(rules)), rules, maxSeries })
}

/** The label sets of a counter that are shown from the start. */
export function knownLabelSets(definition: CounterDefinition, maxSeries: number): readonly Readonly<Record<string, string>>[] {
  const known = definition.known ?? combinations(definition.labels ?? {})
  require(known.length <= maxSeries, definition.name, `the ${known.length} known label sets must fit maxSeries`, maxSeries)
  return known
}

export function checkBuckets(definition: HistogramDefinition): readonly number[] {
  const { name, buckets } = definition
  require(buckets.length > 0, name, 'buckets must not be empty', '[]')
  buckets.forEach((bound, index) => {
    const previous = buckets[index - 1] ?? -Infinity
    require(Number.isFinite(bound) && bound > previous, name, 'buckets must be finite and ascending', buckets.join(', '))
  })
  return buckets
}

function checkName(type: MetricType, name: string): void {
  require(METRIC_NAME.test(name), name, 'the name must be snake case', name)
  require(!SCALED_UNITS.test(name), name, 'the name must use a base unit: _seconds, _bytes, _ratio', name)
  if (type === 'counter') require(name.endsWith('_total'), name, 'a counter must end in _total', name)
  if (type === 'histogram') require(HISTOGRAM_UNITS.test(name), name, 'a histogram must end in its unit: _seconds, _bytes, _ratio', name)
  if (type === 'gauge' && name !== 'build_info')
    require(!DERIVED_SUFFIXES.test(name), name, 'a gauge must not end like a derived series', name)
}

function checkLabel(name: string, label: string, rule: LabelRules[string]): void {
  require(LABEL_NAME.test(label) && !RESERVED_LABELS.includes(label), name, 'a label must be snake case and not reserved', label)
  if ('limit' in rule) {
    require(Number.isSafeInteger(rule.limit) && rule.limit > 0, name, `the limit of label ${label} must be a positive integer`, rule.limit)
    return
  }
  require(rule.length > 0, name, `label ${label} must allow at least one value`, '[]')
  require(new Set(rule).size === rule.length, name, `the values of label ${label} must differ`, rule.join(', '))
  for (const value of rule) {
    // The client joins label values with "|" to find a series, so that two different label sets could meet in one.
    require(value !== '' && !value.includes('|'), name, `a value of label ${label} must be neither empty nor contain "|"`, value)
  }
}

/** Every combination where all labels are closed sets; none where a label is open. */
function combinations(rules: LabelRules): Readonly<Record<string, string>>[] {
  let sets: Readonly<Record<string, string>>[] = [{}]
  for (const [label, rule] of Object.entries(rules)) {
    if ('limit' in rule) return []
    sets = sets.flatMap((set) => rule.map((value) => ({ ...set, [label]: value })))
  }
  return sets
}

function require(holds: boolean, metric: string, rule: string, value: string | number): void {
  if (!holds) throw new MetricDefinitionError(`metric ${metric}: ${rule}; got ${JSON.stringify(value)}`, { facts: { metric } })
}
