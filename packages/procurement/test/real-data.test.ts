import { describe, expect, it } from 'vitest'
import { analyzePortal, loadPortalContracts, runContractRules, superiorOrganByCode, type Analysis, type RuleId } from '../src/index.ts'
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

  it('gives the same findings from memory as from the stream', async () => {
    const table = await loadPortalContracts(portal.path)
    expect(runContractRules(table.contracts)).toEqual((await all()).findings)
  })

  it('shows no full CPF anywhere', async () => {
    expect(JSON.stringify((await all()).findings)).not.toMatch(/(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)/)
  })
})
