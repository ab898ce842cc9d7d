import { CACHE_BUCKETS, CHECK_BUCKETS, DATABASE_BUCKETS, HTTP_BUCKETS, INVESTIGATION_BUCKETS, TASK_BUCKETS } from '../metrics/buckets.ts'
import type { Counter, Gauge, Histogram, LabelRules, Labels, Metrics, NoLabels, StateSet } from '../metrics/metrics.ts'

type BucketSet = 'database' | 'http' | 'cache' | 'check' | 'task' | 'investigation'

const BUCKETS: Readonly<Record<BucketSet, readonly number[]>> = {
  database: DATABASE_BUCKETS,
  http: HTTP_BUCKETS,
  cache: CACHE_BUCKETS,
  check: CHECK_BUCKETS,
  task: TASK_BUCKETS,
  investigation: INVESTIGATION_BUCKETS,
}

interface Declared {
  readonly name: string
  readonly help: string
  readonly labels?: LabelRules
}

/** A metric of the catalogue as plain data, so that its labels can be read off its type. */
export type Declaration =
  | (Declared & { readonly kind: 'counter'; readonly known?: readonly Labels<LabelRules>[] })
  | (Declared & { readonly kind: 'gauge' })
  | (Declared & { readonly kind: 'histogram'; readonly buckets: BucketSet })
  | (Declared & { readonly kind: 'stateSet'; readonly states: readonly string[] })

type RulesOf<Entry extends Declaration> = Entry extends { readonly labels: infer Rules extends LabelRules } ? Rules : NoLabels

export type InstrumentOf<Entry extends Declaration> = Entry extends { readonly kind: 'counter' }
  ? Counter<RulesOf<Entry>>
  : Entry extends { readonly kind: 'gauge' }
    ? Gauge<RulesOf<Entry>>
    : Entry extends { readonly kind: 'histogram' }
      ? Histogram<RulesOf<Entry>>
      : Entry extends { readonly kind: 'stateSet'; readonly states: readonly (infer State extends string)[] }
        ? StateSet<State, RulesOf<Entry>>
        : never

export type Instruments<Area extends Readonly<Record<string, Declaration>>> = {
  readonly [Key in keyof Area]: InstrumentOf<Area[Key]>
}

/** Declares each metric of an area and returns its instruments under the same keys. */
export function declareArea<const Area extends Readonly<Record<string, Declaration>>>(metrics: Metrics, area: Area): Instruments<Area> {
  const instruments = Object.entries(area).map(([key, entry]) => [key, declare(metrics, entry)] as const)
  // Each entry was declared by its own kind just above; the compiler cannot follow that through the list of entries.
  return Object.freeze(Object.fromEntries(instruments)) as unknown as Instruments<Area>
}

function declare(metrics: Metrics, entry: Declaration): unknown {
  switch (entry.kind) {
    case 'counter':
      return metrics.counter(entry)
    case 'gauge':
      return metrics.gauge(entry)
    case 'histogram':
      return metrics.histogram({ ...entry, buckets: BUCKETS[entry.buckets] })
    case 'stateSet':
      return metrics.stateSet(entry)
  }
}
