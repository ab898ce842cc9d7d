import type { ContractFacts } from '../contracts/contract.ts'
import { requireInteger } from '../errors.ts'
import type { Finding, FindingOutcome, FindingValues, RuleId, Severity } from '../findings/finding.ts'
import type { FindingRecord } from '../findings/finding-record.ts'
import type { TopList } from '../findings/top-list.ts'
import type { LocalizedText } from '../values/localized-text.ts'

/** What every rule can be told. */
export interface RuleOptions {
  /** Most records listed in the finding; all are counted. @default 1_000 */
  readonly maxRecords?: number
}

export const DEFAULT_MAX_RECORDS = 1_000

/** What a rule is, without running it: enough to offer it, and to make an agent of it. */
export interface RuleDescription<Id extends RuleId = RuleId> {
  readonly id: Id
  /** Changes whenever the same input may give another finding. */
  readonly version: string
  readonly title: LocalizedText
  readonly description: LocalizedText
}

/**
 * One run of a rule over a stream: `add` each record once, then `finish` once. It keeps groups and the records it
 * will list, never the stream.
 */
export interface RuleRun<Row> {
  readonly rule: RuleDescription
  add(row: Row): void
  finish(): readonly Finding[]
}

/** A rule over contracts, before it is configured. */
export interface RuleDefinition<Id extends RuleId, Options extends RuleOptions, Row = ContractFacts> extends RuleDescription<Id> {
  /** Starts a run; throws `ProcurementOptionError`. */
  readonly start: (options?: Options) => RuleRun<Row>
}

export function resolveMaxRecords(options: RuleOptions): number {
  return requireInteger('maxRecords', options.maxRecords ?? DEFAULT_MAX_RECORDS, 0)
}

/** What differs from finding to finding. */
export interface FindingParts {
  readonly outcome: FindingOutcome
  readonly severity: Severity
  readonly population: Finding['population']
  readonly threshold: FindingValues
  readonly statistics: FindingValues
  readonly records: { readonly items: readonly FindingRecord[]; readonly total: number }
  readonly explanation: LocalizedText
  readonly benignExplanations: readonly LocalizedText[]
}

export function toFinding(rule: RuleDescription, parts: FindingParts): Finding {
  const { records, ...rest } = parts
  const { items, total } = records
  return {
    rule: rule.id,
    version: rule.version,
    title: rule.title,
    ...rest,
    records: items,
    recordCount: { total, listed: items.length, truncated: items.length < total },
  }
}

export const NO_RECORDS: FindingParts['records'] = Object.freeze({ items: [], total: 0 })

export function listed<Item extends FindingRecord>(list: TopList<Item>): FindingParts['records'] {
  return { items: list.items(), total: list.total }
}

/** For rules that single out contracts one by one: an indication when there is any. */
export function outcomeOf(population: number, found: number): FindingOutcome {
  if (population === 0) return 'population-too-small'
  return found > 0 ? 'indication' : 'nothing-found'
}
