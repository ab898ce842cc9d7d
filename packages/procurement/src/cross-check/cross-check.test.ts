import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contract, contractsOf } from '../../test/support/portal-file.ts'
import { runContractRules } from '../analyze.ts'
import { RULE_IDS, SEVERITIES, type Finding } from '../findings/finding.ts'
import { toContractRecord } from '../findings/finding-record.ts'
import { crossCheck, type CrossCheck } from './cross-check.ts'
import { EVIDENCE_FAMILIES, familyOf, weightOf } from './evidence.ts'

const TEXT = { en: 'x', pt: 'x' }

interface Sketch {
  readonly rule?: Finding['rule']
  readonly severity?: Finding['severity']
  readonly n?: number
  readonly lines?: readonly number[]
  readonly found?: number
}

function finding({ rule = 'calendar', severity = 'low', n = 1_000, lines = [2], found = lines.length }: Sketch = {}): Finding {
  const records = lines.map((line) => toContractRecord(contract({ line }), { rule }))
  return {
    rule,
    version: '1.0.0',
    title: TEXT,
    outcome: 'indication',
    severity,
    population: { n, description: TEXT },
    threshold: {},
    statistics: {},
    records,
    recordCount: { total: found, listed: records.length, truncated: records.length < found },
    explanation: TEXT,
    benignExplanations: [],
  }
}

const anyFinding = fc
  .record({
    rule: fc.constantFrom(...RULE_IDS),
    severity: fc.constantFrom(...SEVERITIES),
    n: fc.integer({ min: 30, max: 100_000 }),
    lines: fc.uniqueArray(fc.integer({ min: 2, max: 12 }), { minLength: 1, maxLength: 6 }),
  })
  .map(finding)
const anyFindings = fc.array(anyFinding, { maxLength: 8 })

const confidenceOf = (check: CrossCheck, line: number): number =>
  check.cases.find(({ record }) => record.kind === 'contract' && record.line === line)?.confidence ?? 0

const byRecord = ({ cases }: CrossCheck): unknown => cases.map(({ record, confidence, families }) => [record.key, confidence, families])

describe('cross-check', () => {
  it('merges what several rules say about one record, the strongest record first', () => {
    const check = crossCheck([
      finding({ rule: 'calendar', lines: [2, 3] }),
      finding({ rule: 'amendment-growth', severity: 'high', lines: [3] }),
    ])
    expect(
      check.cases.map(({ record, families, evidence }) => [record.kind === 'contract' && record.line, families, evidence.length]),
    ).toEqual([
      [3, ['dates', 'amendments'], 2],
      [2, ['dates'], 1],
    ])
    expect(check.cases[0]?.evidence[0]).toMatchObject({ rule: 'amendment-growth', facts: { rule: 'amendment-growth' } })
  })

  it('scores by the documented formula', () => {
    const dates = 0.15 * (1_000 / 1_100) * (1 - 1 / 1_000)
    const growth = 0.45 * (1_000 / 1_100) * (1 - 1 / 1_000)
    expect(crossCheck([finding()]).confidence).toBeCloseTo(dates, 6)
    const both = crossCheck([finding(), finding({ rule: 'amendment-growth', severity: 'high' })])
    expect(both.confidence).toBeCloseTo(1 - (1 - dates) * (1 - growth), 6)
  })

  it('has no case and no confidence where nothing was found', () => {
    const nothing = runContractRules([])
    expect(crossCheck(nothing)).toMatchObject({ cases: [], confidence: null, caseCount: { total: 0, truncated: false } })
    expect(crossCheck([{ ...finding(), outcome: 'nothing-found' }]).cases).toEqual([])
  })

  it('says which rules listed only some of their records, and lists no more cases than asked for', () => {
    const check = crossCheck([finding({ lines: [2, 3, 4], found: 50 })], { maxCases: 2 })
    expect(check.truncatedRules).toEqual(['calendar'])
    expect(check.caseCount).toEqual({ total: 3, listed: 2, truncated: true })
  })

  it('finds the direct purchase and the contract of one row to be the same', () => {
    const contracts = contractsOf(['30000', '29999.99', '45.17'], { modality: 'Dispensa de Licitação', signedOn: '2024-01-06' })
    const check = crossCheck(runContractRules(contracts, { only: ['calendar', 'round-value', 'threshold-splitting'] }))
    expect(check.cases.map(({ evidence }) => evidence.map(({ rule }) => rule).toSorted())).toEqual(
      check.cases.map(({ evidence }) => [...new Set(evidence.map(({ rule }) => rule))].toSorted()),
    )
    const places = check.cases.map(({ record }) => (record.kind === 'buyer' ? record.key : String(record.line)))
    expect(new Set(places).size).toBe(places.length)
    expect(places).toContain('2')
  })

  it('knows the family of every rule', () => {
    expect(RULE_IDS.map(familyOf).every((family) => EVIDENCE_FAMILIES.includes(family))).toBe(true)
    expect(new Set(RULE_IDS.map(familyOf))).toEqual(new Set(EVIDENCE_FAMILIES))
  })
})

describe('confidence', () => {
  it('lies from 0 to below 1', () => {
    fc.assert(
      fc.property(anyFindings, (findings) => {
        for (const { confidence } of crossCheck(findings).cases) expect(confidence >= 0 && confidence < 1).toBe(true)
      }),
    )
    expect(crossCheck([]).confidence).toBeNull()
  })

  it('does not depend on the order of the findings', () => {
    fc.assert(
      fc.property(anyFindings, (findings) => {
        expect(byRecord(crossCheck(findings.toReversed()))).toEqual(byRecord(crossCheck(findings)))
      }),
    )
  })

  it('is not raised by the same finding again', () => {
    fc.assert(
      fc.property(anyFindings, (findings) => {
        expect(byRecord(crossCheck([...findings, ...findings]))).toEqual(byRecord(crossCheck(findings)))
      }),
    )
  })

  it('is not raised above the strongest by any number of findings of one family', () => {
    const oneFamily = fc.array(
      anyFinding.map((one) => ({ ...one, rule: one.population.n % 2 === 0 ? ('calendar' as const) : ('late-publication' as const) })),
      { minLength: 1, maxLength: 8 },
    )
    fc.assert(
      fc.property(oneFamily, (findings) => {
        expect(crossCheck(findings).confidence ?? 0).toBeLessThanOrEqual(Math.max(...findings.map(weightOf)) + 1e-6)
      }),
    )
  })

  it('is raised by a rule of another family, and lowered by none', () => {
    fc.assert(
      fc.property(anyFindings, anyFinding, (findings, further) => {
        const [before, after] = [crossCheck(findings), crossCheck([...findings, further])]
        for (let line = 2; line <= 12; line++) expect(confidenceOf(after, line)).toBeGreaterThanOrEqual(confidenceOf(before, line))
      }),
    )
    const alone = crossCheck([finding()]).confidence ?? 1
    expect(crossCheck([finding(), finding({ rule: 'round-value' })]).confidence).toBeGreaterThan(alone)
  })

  it('grows with the population and falls with the share of it that a rule remarks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 50_000 }), fc.integer({ min: 1, max: 20 }), (n, found) => {
        const weight = weightOf(finding({ n, found }))
        expect(weightOf(finding({ n: n * 2, found: found * 2 }))).toBeGreaterThan(weight)
        expect(weightOf(finding({ n, found: found + 1 }))).toBeLessThan(weight)
      }),
    )
    expect(weightOf(finding({ n: 5, found: 5 }))).toBe(0)
  })
})
