import { describe, expect, it } from 'vitest'
import { contract, contractsOf } from '../../test/support/portal-file.ts'
import { runContractRules } from '../analyze.ts'
import type { ContractFacts } from '../contracts/contract.ts'
import { ProcurementOptionError } from '../errors.ts'
import { FINDING_OUTCOMES, SEVERITIES, type Finding, type RuleId } from '../findings/finding.ts'
import { allRules, type ContractRuleId, type ContractRuleOptions } from './registry.ts'

function run(id: ContractRuleId, contracts: readonly ContractFacts[], options: ContractRuleOptions = {}): Finding {
  const [finding] = runContractRules(contracts, { only: [id], options })
  if (finding === undefined) throw new Error('no finding')
  return finding
}

const linesOf = (finding: Finding): readonly number[] =>
  finding.records.flatMap((record) => (record.kind === 'contract' ? [record.line] : []))

/** Amounts that grow evenly on a logarithmic scale follow Benford's law as closely as their number allows. */
const benfordAmounts = (n: number): readonly string[] => Array.from({ length: n }, (_, index) => (10 ** (2 + (3 * index) / n)).toFixed(2))

describe('every rule', () => {
  it('gives one finding of nothing, which says that the population is too small', () => {
    for (const finding of runContractRules([])) {
      expect(finding).toMatchObject({ outcome: 'population-too-small', severity: 'info', population: { n: 0 }, records: [] })
    }
  })

  it('is offered with id, version and both languages, once', () => {
    const rules = allRules()
    expect(new Set(rules.map((rule) => rule.id)).size).toBe(rules.length)
    for (const { version, title, description } of rules) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/)
      for (const text of [title.en, title.pt, description.en, description.pt]) expect(text).not.toBe('')
    }
  })

  it('speaks of indications and never of fraud, survives JSON, and names what may be harmless', () => {
    const contracts = contractsOf(
      Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? '760000' : '100000')),
      {
        finalValue: '9000000',
        signedOn: '2023-11-04',
      },
    )
    const findings = [...runContractRules(contracts), ...runContractRules(contractsOf(benfordAmounts(400)))]
    for (const finding of findings) {
      const text = JSON.stringify(finding)
      expect(text).not.toMatch(/fraud/i)
      expect(JSON.parse(text)).toEqual(finding)
      expect(finding.benignExplanations.length).toBeGreaterThan(0)
      expect(FINDING_OUTCOMES).toContain(finding.outcome)
      expect(SEVERITIES).toContain(finding.severity)
      if (finding.outcome !== 'indication') continue
      expect(finding.explanation.en).toMatch(/indication/i)
      expect(finding.explanation.pt).toMatch(/indício/i)
    }
    expect(findings.filter((finding) => finding.outcome === 'indication').length).toBeGreaterThan(6)
  })

  it('lists no more records than asked for, and says how many there are', () => {
    const contracts = contractsOf(['1000', '2000', '3000', '4000.01'])
    const finding = run('round-value', contracts, { 'round-value': { maxRecords: 2 } })
    expect(finding.recordCount).toEqual({ total: 3, listed: 2, truncated: true })
    expect(linesOf(finding)).toEqual([4, 3])
  })

  it('refuses options that mean nothing', () => {
    expect(() => run('late-publication', [], { 'late-publication': { maxDays: -1 } })).toThrow(ProcurementOptionError)
    expect(() => run('late-publication', [], { 'late-publication': { maxDays: 1.5 } })).toThrow(
      'maxDays must be a whole number of at least 0, got 1.5',
    )
    expect(() => run('supplier-concentration', [], { 'supplier-concentration': { high: 6_000 } })).toThrow('veryHigh')
    expect(() => runContractRules([], { only: ['astrology' as RuleId] })).toThrow('only must name rules over contracts, got "astrology"')
  })

  it('runs in the order of the registry, whatever the order of the question', () => {
    const findings = runContractRules([], { only: ['calendar', 'benford-first'] })
    expect(findings.map((finding) => finding.rule)).toEqual(['benford-first', 'calendar'])
  })
})

describe('benford-first', () => {
  it('finds nothing in amounts that follow the law', () => {
    const finding = run('benford-first', contractsOf(benfordAmounts(3_000)))
    expect(finding).toMatchObject({ outcome: 'nothing-found', severity: 'info', statistics: { conformity: 'close', degreesOfFreedom: 8 } })
  })

  it('remarks amounts that all begin alike, and computes by the formula', () => {
    const finding = run('benford-first', contractsOf(Array.from({ length: 200 }, () => '5.00')))
    const expected = Math.log10(1 + 1 / 5)
    expect(finding).toMatchObject({ outcome: 'indication', severity: 'medium' })
    expect(finding.statistics.meanAbsoluteDeviation).toBeCloseTo((2 * (1 - expected)) / 9, 12)
    expect(finding.statistics.chiSquare).toBeCloseTo(200 / expected - 200, 8)
  })

  it('says that 109 values are too few, and judges 110', () => {
    expect(run('benford-first', contractsOf(benfordAmounts(109))).outcome).toBe('population-too-small')
    expect(run('benford-first', contractsOf(benfordAmounts(110))).outcome).toBe('nothing-found')
  })

  it('leaves out values of zero and below', () => {
    expect(run('benford-first', contractsOf(['0', '-5', '5'])).population.n).toBe(1)
  })

  it('does not call a deviation an indication that chance explains', () => {
    const amounts = benfordAmounts(120).map((amount, index) => (index % 12 === 0 ? '100.00' : amount))
    const finding = run('benford-first', contractsOf(amounts))
    expect(finding.statistics.conformity).toBe('nonconforming')
    expect(finding.outcome).toBe('nothing-found')
    expect(finding.explanation.en).toContain('chance can explain it')
  })
})

describe('benford-first-two', () => {
  const amounts = [...benfordAmounts(1_000), ...Array.from({ length: 150 }, () => '7600.00')]

  it('lists the records of the two pairs that stand out, and never weighs more than little', () => {
    const finding = run('benford-first-two', contractsOf(amounts))
    expect(finding).toMatchObject({ outcome: 'indication', severity: 'low', statistics: { standsAlone: false } })
    expect(finding.statistics.worstPairs).toMatchObject([{ digits: 76 }, {}])
    expect(linesOf(finding).filter((line) => line > 1_001)).toHaveLength(150)
    expect(finding.recordCount.total).toBe(finding.records.length)
    expect(finding.explanation.en).toContain('never stands alone')
  })

  it('judges no fewer than 300', () => {
    expect(run('benford-first-two', contractsOf(amounts.slice(-299))).outcome).toBe('population-too-small')
    expect(run('benford-first-two', contractsOf(amounts.slice(-300))).outcome).toBe('indication')
  })
})

describe('supplier-concentration', () => {
  const unit = (code: string, values: readonly (readonly [supplier: string, value: string])[]): readonly ContractFacts[] =>
    values.map(([supplier, value], index) => contract({ unit: code, supplier, value, line: index + 2 }))
  const shares = (count: number, first: string): readonly (readonly [string, string])[] =>
    Array.from({ length: 10 }, (_, index) => (index < count ? ['A', first] : [`B${index}`, '1']))

  it('computes the index and the levels', () => {
    const finding = run('supplier-concentration', [
      ...unit(
        '1',
        Array.from({ length: 10 }, (_, index) => [`S${index}`, '100']),
      ),
      ...unit('2', shares(10, '1')),
      ...unit('3', shares(6, '1')),
    ])
    expect(finding.statistics).toMatchObject({ unitsExamined: 3, unitsAboveHigh: 2, unitsAboveVeryHigh: 1 })
    expect(finding.records.map((record) => [record.key, record.facts.hhi, record.facts.level])).toEqual([
      ['2', 10_000, 'very-high'],
      ['3', 4_000, 'high'],
    ])
    expect(finding.records[1]?.facts.largestSupplier).toMatchObject({ code: 'A', share: 0.6 })
  })

  it('does not remark a unit exactly at the limit', () => {
    const four = Array.from({ length: 12 }, (_, index) => [`S${index % 4}`, '10'] as const)
    expect(run('supplier-concentration', unit('1', four)).statistics.unitsAboveHigh).toBe(0)
    expect(run('supplier-concentration', unit('1', [...four, ['S0', '0.01']])).statistics.unitsAboveHigh).toBe(1)
  })

  it('leaves out hidden suppliers, and units with fewer than ten contracts', () => {
    const hidden = Array.from({ length: 30 }, () => ['-11', '5'] as const)
    const finding = run('supplier-concentration', [...unit('1', hidden), ...unit('2', shares(9, '1').slice(0, 9))])
    expect(finding).toMatchObject({
      outcome: 'population-too-small',
      statistics: { unitsExamined: 0, contractsLeftOut: 30, unitsWithFewerContracts: 1 },
    })
  })
})

describe('duplicate-contract', () => {
  it('groups contracts of the same unit, supplier, value and date', () => {
    const finding = run('duplicate-contract', [
      contract({ line: 2, number: '000012024', publishedOn: '2024-01-11' }),
      contract({ line: 3, number: '000022024', value: '9.99' }),
      contract({ line: 4, number: '000032024' }),
      contract({ line: 5, number: 'ABC', value: '50' }),
      contract({ line: 6, number: '000052024' }),
      contract({ line: 7, number: '000062024', value: '50', publishedOn: null }),
      contract({ line: 8, signedOn: '2024-01-11' }),
    ])
    expect(finding.records.map((record) => record.kind === 'contract' && [record.line, record.number, record.facts.group])).toEqual([
      [2, '000012024', 1],
      [4, '000032024', 1],
      [6, '000052024', 1],
      [5, 'ABC', 2],
      [7, '000062024', 2],
    ])
    expect(finding.records[0]).toMatchObject({ publishedOn: '2024-01-11', value: '1234.56' })
    expect(finding.statistics).toEqual({ contracts: 5, groups: 2, contractsWhateverTheDate: 6, groupsWhateverTheDate: 2 })
  })

  it.each([{ unit: '1' }, { supplier: 'EX1' }, { value: '1' }, { signedOn: '2024-01-11' }, { signedOn: null }])(
    '%o makes another contract',
    (change) => {
      expect(run('duplicate-contract', [contract(), contract(change)]).outcome).toBe('nothing-found')
    },
  )

  it('does not take two hidden suppliers for one', () => {
    const finding = run('duplicate-contract', [contract({ supplier: '-11' }), contract({ supplier: '-11' })])
    expect(finding).toMatchObject({ outcome: 'population-too-small', population: { n: 0 } })
  })

  it('finds one pair among a hundred thousand contracts', () => {
    const many = Array.from({ length: 100_000 }, (_, index) =>
      contract({ line: index + 2, unit: String(index % 50), value: String(index) }),
    )
    const finding = run('duplicate-contract', [...many, contract({ line: 200_000, unit: '49', value: '12349' })])
    expect(linesOf(finding)).toEqual([12_351, 200_000])
  })
})

describe('amendment-growth', () => {
  it('remarks growth above a quarter, strictly, and calls tenfold growth a probable typing error', () => {
    const finding = run('amendment-growth', [
      contract({ line: 2, value: '100', finalValue: '125' }),
      contract({ line: 3, value: '100', finalValue: '125.0001' }),
      contract({ line: 4, value: '100', finalValue: '160' }),
      contract({ line: 5, value: '100', finalValue: '1000.01' }),
      contract({ line: 6, value: '0', finalValue: '500' }),
      contract({ line: 7, value: '100', finalValue: '-100' }),
    ])
    expect(linesOf(finding)).toEqual([5, 4, 3])
    expect(finding.records[0]?.facts).toEqual({ ratio: 10.0001, finalValue: '1000.01', probableTypingError: true })
    expect(finding.statistics).toEqual({ aboveThreshold: 3, aboveOneAndAHalf: 2, probableTypingErrors: 1, largestRatio: 10.0001 })
    expect([finding.population.n, finding.severity]).toEqual([5, 'high'])
  })

  it('takes another limit', () => {
    const contracts = [contract({ value: '100', finalValue: '140' })]
    expect(run('amendment-growth', contracts, { 'amendment-growth': { maxGrowthPercent: 50 } }).outcome).toBe('nothing-found')
  })
})

describe('late-publication', () => {
  it('remarks more than thirty days, the latest first', () => {
    const finding = run('late-publication', [
      contract({ line: 2, signedOn: '2024-01-01', publishedOn: '2024-01-31' }),
      contract({ line: 3, signedOn: '2024-01-01', publishedOn: '2024-02-01' }),
      contract({ line: 4, signedOn: '2023-01-01', publishedOn: '2024-02-01' }),
      contract({ line: 5, signedOn: '2024-01-10', publishedOn: '2024-01-01' }),
      contract({ line: 6, signedOn: null }),
    ])
    expect(finding.records.map((record) => record.facts.days)).toEqual([396, 31])
    expect(finding.statistics).toEqual({ late: 2, publishedBeforeSignature: 1, largestDelayDays: 396 })
    expect(finding.population.n).toBe(4)
  })
})

describe('round-value', () => {
  it('counts a multiple of 100,000 also as one of the smaller', () => {
    const finding = run('round-value', contractsOf(['1000', '10000', '300000', '1000.01', '999', '0', '-1000']))
    expect(finding.statistics).toEqual({ multiplesOf1000: 3, multiplesOf10000: 2, multiplesOf100000: 1 })
    expect(finding.records.map((record) => record.facts.multipleOf)).toEqual([100_000, 10_000, 1_000])
    expect(finding.population.n).toBe(5)
  })
})

describe('calendar', () => {
  it('remarks Saturdays, Sundays and holidays, each contract once', () => {
    const finding = run('calendar', [
      contract({ line: 2, value: '5', signedOn: '2024-01-06' }),
      contract({ line: 3, value: '4', signedOn: '2024-01-07' }),
      contract({ line: 4, value: '3', signedOn: '2024-01-01' }),
      contract({ line: 5, value: '2', signedOn: '2024-09-07' }),
      contract({ line: 6, signedOn: '2024-01-08' }),
      contract({ line: 7, signedOn: null }),
    ])
    expect(finding.statistics).toEqual({ saturday: 2, sunday: 1, holidayOnWeekday: 1 })
    expect(finding.records.map((record) => record.facts)).toEqual([
      { day: 'saturday' },
      { day: 'sunday' },
      { day: 'holiday', holiday: 'new-year' },
      { day: 'saturday' },
    ])
    expect(finding.population.n).toBe(5)
  })
})

describe('invalid-identifier', () => {
  it('remarks wrong check digits and counts what cannot be checked', () => {
    const finding = run('invalid-identifier', [
      contract({ line: 2 }),
      contract({ line: 3, supplier: '11444777000162' }),
      contract({ line: 4, supplier: '11144477734' }),
      contract({ line: 5, supplier: '***.444.777-**' }),
      contract({ line: 6, supplier: '-11' }),
    ])
    expect(linesOf(finding)).toEqual([3, 4])
    expect(finding.statistics).toEqual({ invalid: 2, notCheckable: 2 })
  })
})
