import type { LocalizedText } from '../values/localized-text.ts'
import type { FindingRecord } from './finding-record.ts'

export const SEVERITIES = ['info', 'low', 'medium', 'high'] as const
export type Severity = (typeof SEVERITIES)[number]

/**
 * `indication`: something deserves a look; it proves nothing. `nothing-found`: the rule ran on enough records and
 * found nothing. `population-too-small`: there was too little to say anything.
 */
export const FINDING_OUTCOMES = ['indication', 'nothing-found', 'population-too-small'] as const
export type FindingOutcome = (typeof FINDING_OUTCOMES)[number]

/** Numbers as numbers, money as decimal strings; nested lists are tables of the same. */
export type FindingValue = string | number | boolean | null | readonly FindingValue[] | { readonly [name: string]: FindingValue }
export type FindingValues = Readonly<Record<string, FindingValue>>

export const RULE_IDS = [
  'benford-first',
  'benford-first-two',
  'supplier-concentration',
  'duplicate-contract',
  'amendment-growth',
  'late-publication',
  'round-value',
  'calendar',
  'invalid-identifier',
  'threshold-splitting',
  'price-outlier',
] as const
export type RuleId = (typeof RULE_IDS)[number]

/**
 * The result of one rule over one population. Every rule gives exactly one, also when it found nothing, so that the
 * reader can tell "looked and found nothing" from "did not look". Plain JSON all through.
 */
export interface Finding {
  readonly rule: RuleId
  readonly version: string
  readonly title: LocalizedText
  readonly outcome: FindingOutcome
  readonly severity: Severity
  readonly population: {
    /** Records that the rule looked at. */
    readonly n: number
    readonly description: LocalizedText
  }
  /** The limits that were applied. */
  readonly threshold: FindingValues
  /** The numbers of the rule's formula. */
  readonly statistics: FindingValues
  /** Those that stand out, most striking first, up to a limit. */
  readonly records: readonly FindingRecord[]
  readonly recordCount: {
    /** How many stand out, listed or not. */
    readonly total: number
    readonly listed: number
    readonly truncated: boolean
  }
  readonly explanation: LocalizedText
  readonly benignExplanations: readonly LocalizedText[]
}
