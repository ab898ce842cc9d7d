import { requireInteger } from '../errors.ts'
import type { Finding, FindingValues, RuleId } from '../findings/finding.ts'
import { recordIdentity, type FindingRecord } from '../findings/finding-record.ts'
import { EVIDENCE_FAMILIES, familyOf, weightOf, type EvidenceFamily } from './evidence.ts'

export interface CrossCheckOptions {
  /** Most cases listed; all are counted. @default 1_000 */
  readonly maxCases?: number
}

/** What one rule says about a record. */
export interface Evidence {
  readonly rule: RuleId
  readonly version: string
  readonly family: EvidenceFamily
  readonly weight: number
  readonly facts: FindingValues
}

/** A record with everything that was found about it. */
export interface CrossCheckedCase {
  readonly record: FindingRecord
  /** From 0 to below 1: how strongly independent indications agree. No probability, and never proof. */
  readonly confidence: number
  readonly families: readonly EvidenceFamily[]
  readonly evidence: readonly Evidence[]
}

export interface CrossCheck {
  readonly formula: 'independent-families-1'
  /** The strongest first. */
  readonly cases: readonly CrossCheckedCase[]
  readonly caseCount: { readonly total: number; readonly listed: number; readonly truncated: boolean }
  /** That of the strongest case; `null` where there is none. */
  readonly confidence: number | null
  /** Rules whose findings list only some of their records: what they say about the others is missing here. */
  readonly truncatedRules: readonly RuleId[]
}

const DEFAULT_MAX_CASES = 1_000
const DECIMALS = 1_000_000

/**
 * Merges findings by record. The confidence of a record is 1 − Π (1 − e), over the families of evidence, where e is
 * the largest weight of a rule of that family: agreement of independent rules raises it, more findings of one family
 * do not, and a rule that remarks more of its population lowers it.
 */
export function crossCheck(findings: readonly Finding[], options: CrossCheckOptions = {}): CrossCheck {
  const maxCases = requireInteger('maxCases', options.maxCases ?? DEFAULT_MAX_CASES, 0)
  const cases = mergeByRecord(findings)
    .map((merged) => ({ id: merged.id, found: toCase(merged) }))
    .sort(byConfidence)
  const listed = cases.slice(0, maxCases).map(({ found }) => found)
  return {
    formula: 'independent-families-1',
    cases: listed,
    caseCount: { total: cases.length, listed: listed.length, truncated: listed.length < cases.length },
    confidence: cases[0]?.found.confidence ?? null,
    truncatedRules: findings.filter(({ recordCount }) => recordCount.truncated).map(({ rule }) => rule),
  }
}

interface Merged {
  readonly id: string
  readonly record: FindingRecord
  readonly evidence: Evidence[]
}

function mergeByRecord(findings: readonly Finding[]): readonly Merged[] {
  const merged = new Map<string, Merged>()
  for (const finding of findings) {
    const { rule, version } = finding
    const weight = weightOf(finding)
    if (weight === 0) continue
    for (const record of finding.records) {
      const id = recordIdentity(record)
      const one = merged.get(id) ?? { id, record, evidence: [] }
      merged.set(id, one)
      one.evidence.push({ rule, version, family: familyOf(rule), weight, facts: record.facts })
    }
  }
  return [...merged.values()]
}

function toCase({ record, evidence }: Merged): CrossCheckedCase {
  const families = EVIDENCE_FAMILIES.filter((family) => evidence.some((one) => one.family === family))
  const doubt = families.reduce((product, family) => product * (1 - strongestOf(evidence, family)), 1)
  const sorted = evidence.toSorted((left, right) => right.weight - left.weight || (left.rule < right.rule ? -1 : 1))
  return { record, confidence: Math.round((1 - doubt) * DECIMALS) / DECIMALS, families, evidence: sorted }
}

function strongestOf(evidence: readonly Evidence[], family: EvidenceFamily): number {
  return Math.max(...evidence.filter((one) => one.family === family).map((one) => one.weight))
}

interface Identified {
  readonly id: string
  readonly found: CrossCheckedCase
}

function byConfidence(left: Identified, right: Identified): number {
  if (left.found.confidence !== right.found.confidence) return right.found.confidence - left.found.confidence
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}
