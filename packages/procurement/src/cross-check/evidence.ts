import type { Finding, RuleId, Severity } from '../findings/finding.ts'

/**
 * What a rule draws on. Rules of one family look at the same trait of a record, so their agreement is one piece of
 * evidence seen twice; only families are taken as independent.
 */
export const EVIDENCE_FAMILIES = ['digits', 'dates', 'repetition', 'amendments', 'prices', 'identity', 'concentration'] as const
export type EvidenceFamily = (typeof EVIDENCE_FAMILIES)[number]

const FAMILY_OF: Readonly<Record<RuleId, EvidenceFamily>> = {
  'benford-first': 'digits',
  'benford-first-two': 'digits',
  'round-value': 'digits',
  'late-publication': 'dates',
  calendar: 'dates',
  'duplicate-contract': 'repetition',
  'threshold-splitting': 'repetition',
  'amendment-growth': 'amendments',
  'price-outlier': 'prices',
  'invalid-identifier': 'identity',
  'supplier-concentration': 'concentration',
}

/** What one rule may contribute at most, by the weight that it gives itself. */
const CEILINGS: Readonly<Record<Severity, number>> = { info: 0.05, low: 0.15, medium: 0.3, high: 0.45 }
/** The population at which a rule contributes half of what it would over one without end. */
const HALF_POPULATION = 100

export function familyOf(rule: RuleId): EvidenceFamily {
  return FAMILY_OF[rule]
}

/**
 * What a finding says about each of its records, 0 to 0.45: ceiling × n / (n + 100) × (1 − found / n). A small
 * population says little, and so does a rule that remarks much of its population.
 */
export function weightOf({ outcome, severity, population, recordCount }: Finding): number {
  const { n } = population
  if (outcome !== 'indication' || n <= 0) return 0
  const rarity = Math.max(0, 1 - recordCount.total / n)
  return CEILINGS[severity] * (n / (n + HALF_POPULATION)) * rarity
}
