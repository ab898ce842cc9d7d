import { describe, expect, it } from 'vitest'
import {
  analyzeInstitute,
  analyzePortal,
  analyzePortalItems,
  loadPortalContracts,
  readAmendments,
  readApostilles,
  readInstitutePurchases,
  runContractRules,
  superiorOrganByCode,
  type Analysis,
  type InstituteAnalysis,
  type RuleId,
} from '../src/index.ts'
import { realData } from './support/real-data.ts'

const portal = realData('portal-202401')

const statisticsOf = (analysis: Pick<Analysis, 'findings'>, rule: RuleId): Readonly<Record<string, unknown>> => {
  const finding = analysis.findings.find((candidate) => candidate.rule === rule)
  if (finding === undefined) throw new Error(`no finding of ${rule}`)
  return { ...finding.statistics, n: finding.population.n, records: finding.recordCount.total }
}

describe.skipIf(portal.absent)(`contracts published in January 2024${portal.why}`, () => {
  const analysis = portal.absent ? undefined : analyzePortal(portal.path)
  const all = async (): Promise<Analysis> => (await analysis) ?? expect.unreachable()

  it('loads 3,810 contracts and rejects none', async () => {
    const { summary, rejects, source } = await all()
    expect(summary.contracts).toBe(3_810)
    expect(rejects).toEqual({ total: 0, byReason: {}, rows: [] })
    expect(source.files.map((file) => [file.name, file.rows])).toEqual([['202401_Compras.csv', 3_810]])
    expect(source.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('Ministry of Health 2024 is 419 contracts of R$ 9,222,273,688.82, the largest R$ 5,552,584,000.00', async () => {
    const health = await loadPortalContracts(portal.path, { filter: { superiorOrganCodes: ['36000'], publicationYear: 2024 } })
    expect(health.summary).toMatchObject({ contracts: 419, totalInitialValue: '9222273688.82', largestInitialValue: '5552584000.00' })
    expect(new Set(health.contracts.map((contract) => contract.superiorOrgan.name))).toEqual(
      new Set([superiorOrganByCode('36000')?.name.pt]),
    )
  })

  it('the year is that of publication: by signature only 303 of the 419 are of 2024', async () => {
    const health = await loadPortalContracts(portal.path, { filter: { superiorOrganCodes: ['36000'], signatureYear: 2024 } })
    expect(health.summary.contracts).toBe(303)
  })

  it('first digits: n = 3,794, MAD 0.010385, χ² 58.90', async () => {
    const statistics = statisticsOf(await all(), 'benford-first')
    expect(statistics).toMatchObject({ n: 3_794, conformity: 'acceptable', degreesOfFreedom: 8 })
    expect(statistics.meanAbsoluteDeviation).toBeCloseTo(0.010385, 6)
    expect(statistics.chiSquare).toBeCloseTo(58.9, 2)
  })

  it('first two digits: MAD 0.002178, χ² 323.1, worst pairs 76 (59 against 21.5) and 50 (58 against 32.6)', async () => {
    const statistics = statisticsOf(await all(), 'benford-first-two')
    expect(statistics).toMatchObject({ n: 3_794, conformity: 'marginal', degreesOfFreedom: 89, records: 59 + 58 })
    expect(statistics.meanAbsoluteDeviation).toBeCloseTo(0.002178, 6)
    expect(statistics.chiSquare).toBeCloseTo(323.1, 1)
    expect(statistics.worstPairs).toEqual([
      { digits: 76, observed: 59, expected: expect.closeTo(21.5, 1) as number },
      { digits: 50, observed: 58, expected: expect.closeTo(32.6, 1) as number },
    ])
  })

  it('first digits of the Ministry of Health: n = 416, MAD 0.01689, χ² 12.17', async () => {
    const health = await analyzePortal(portal.path, { filter: { superiorOrganCodes: ['36000'] }, rules: { only: ['benford-first'] } })
    const statistics = statisticsOf(health, 'benford-first')
    expect(statistics.n).toBe(416)
    expect(statistics.meanAbsoluteDeviation).toBeCloseTo(0.01689, 5)
    expect(statistics.chiSquare).toBeCloseTo(12.17, 2)
  })

  it('duplicates: 39 contracts in 19 groups; 59 contracts whatever the date', async () => {
    expect(statisticsOf(await all(), 'duplicate-contract')).toMatchObject({
      contracts: 39,
      groups: 19,
      contractsWhateverTheDate: 59,
      records: 39,
    })
  })

  it('calendar: 110 Saturdays, 19 Sundays, 36 holidays on a weekday', async () => {
    expect(statisticsOf(await all(), 'calendar')).toMatchObject({ saturday: 110, sunday: 19, holidayOnWeekday: 36, records: 165 })
  })

  it('round values: 694, 360 and 149', async () => {
    expect(statisticsOf(await all(), 'round-value')).toMatchObject({ multiplesOf1000: 694, multiplesOf10000: 360, multiplesOf100000: 149 })
  })

  it('amendments: 37 above 1.25, 12 above 1.5, the largest ratio 142.7', async () => {
    const statistics = statisticsOf(await all(), 'amendment-growth')
    expect(statistics).toMatchObject({ aboveThreshold: 37, aboveOneAndAHalf: 12, probableTypingErrors: 1 })
    expect(statistics.largestRatio).toBeCloseTo(142.7, 1)
  })

  it('late publication: 427', async () => {
    expect(statisticsOf(await all(), 'late-publication')).toMatchObject({ n: 3_810, late: 427 })
  })

  it('concentration: of 83 units 48 above 2,500 and 20 above 5,000', async () => {
    expect(statisticsOf(await all(), 'supplier-concentration')).toMatchObject({ n: 83, unitsAboveHigh: 48, unitsAboveVeryHigh: 20 })
  })

  it('splitting: of 660 direct purchases none cites its basis, no group reaches the limit, and none gather below it', async () => {
    const statistics = statisticsOf(await all(), 'threshold-splitting')
    expect(statistics).toMatchObject({ n: 660, basisSupposed: 660, groups: 0, justBelow: 7, justAbove: 10, bunched: false })
  })

  it('prices of items: 276 dear and 195 cheap make 471 of 8,216; none of 11,989 rows is rejected', async () => {
    const items = await analyzePortalItems(portal.path)
    expect([items.source.rows, items.rejects.total]).toEqual([11_989, 0])
    expect(statisticsOf(items, 'price-outlier')).toMatchObject({
      n: 8_216,
      dear: 276,
      cheap: 195,
      dearOrCheap: 471,
      itemsWithoutSpread: 491,
      records: 276,
    })
    expect(items.findings[0]?.records.every((record) => Number(record.facts.modifiedZ) > 3.5)).toBe(true)
  })

  it('loads 674 amendments, rejects none, and reads a file of no apostilles', async () => {
    const counts = { row: 0, rejected: 0, file: 0 }
    for await (const event of readAmendments(portal.path)) counts[event.kind]++
    expect(counts).toEqual({ row: 674, rejected: 0, file: 1 })
    for await (const event of readApostilles(portal.path)) expect(event).toMatchObject({ kind: 'file', file: { rows: 0 } })
  })

  it('gives the same findings from memory as from the stream', async () => {
    const table = await loadPortalContracts(portal.path)
    expect(runContractRules(table.contracts)).toEqual((await all()).findings)
  })

  it('shows no full CPF anywhere', async () => {
    expect(JSON.stringify((await all()).findings)).not.toMatch(/(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)/)
  })
})

const institute = realData('ifms')

describe.skipIf(institute.absent)(`purchases of a federal institute 2016–2026${institute.why}`, () => {
  const analysis = institute.absent ? undefined : analyzeInstitute(institute.path)
  const all = async (): Promise<InstituteAnalysis> => (await analysis) ?? expect.unreachable()

  it('loads 2,353 purchases, 1,546 contracts and 2,951 items of price registers, and rejects none', async () => {
    const { purchases, contracts, registeredItems } = await all()
    expect([purchases, contracts, registeredItems].map(({ source, rejects }) => [source.rows, rejects.total])).toEqual([
      [2_353, 0],
      [1_546, 0],
      [2_951, 0],
    ])
  })

  it('bunching of art. 75 II / 24 II read to the letter: 79 in the tenth below the limit against 16 in the tenth above', async () => {
    expect(statisticsOf(await all(), 'threshold-splitting')).toMatchObject({
      groups: 0,
      bunched: true,
      basisSupposed: 0,
      byPurpose: { other: { justBelow: 79, justAbove: 16 } },
    })
  })

  it('the eightieth is a purchase under art. 75, III, a: a failed tender repeated, which knows no limit', async () => {
    const loose = /75, ?III/
    const near: string[] = []
    for await (const event of readInstitutePurchases(institute.path)) {
      if (event.kind !== 'row' || !loose.test(event.row.legalBasis) || event.row.year !== 2022) continue
      const estimate = Number(event.row.estimatedValue ?? 0n) / 10_000
      if (estimate >= 0.9 * 54_020.41 && estimate < 54_020.41) near.push(`${event.row.number} ${event.row.legalBasis}`)
    }
    expect(near).toEqual(['00035/2022 Lei 14.133/2021, Art. 75, III, a'])
  })

  it('exactly the limit, which Lei 8.666 allowed and the strict comparison counts as above: 8 purchases', async () => {
    expect(statisticsOf(await all(), 'threshold-splitting').atLimit).toBe(8)
  })

  it('prices of registered items: 39 dear of 772', async () => {
    expect(statisticsOf(await all(), 'price-outlier')).toMatchObject({ n: 772, dear: 39, cheap: 23 })
  })
})
