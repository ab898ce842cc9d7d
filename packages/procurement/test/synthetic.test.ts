import { describe, expect, it } from 'vitest'
import {
  analyzePortal,
  analyzePortalItems,
  generateSyntheticPortal,
  PLANTABLE_RULES,
  scoreRules,
  writeSyntheticPortal,
  type Finding,
  type PlantableRule,
  type PlantedAnomaly,
  type SyntheticOptions,
} from '../src/index.ts'
import { temporaryFolder } from './support/portal-file.ts'

const plantedOf = (key: readonly PlantedAnomaly[], rule: PlantableRule): readonly (string | number)[] =>
  key
    .filter((anomaly) => anomaly.rule === rule)
    .flatMap((anomaly): readonly (string | number)[] => (anomaly.unit === null ? anomaly.lines : [anomaly.unit]))
    .toSorted()
const foundBy = (finding: Finding): readonly (string | number)[] =>
  finding.records.map((record) => (record.kind === 'buyer' ? record.key : record.line)).toSorted()

async function analyzeSynthetic(
  options: SyntheticOptions,
): Promise<{ readonly findings: readonly Finding[]; readonly key: readonly PlantedAnomaly[]; readonly rejected: number }> {
  await using folder = await temporaryFolder()
  const { key } = await writeSyntheticPortal(folder.path, options)
  const { findings, rejects } = await analyzePortal(folder.path)
  return { findings, key, rejected: rejects.total }
}

describe('synthetic Portal files', () => {
  it.each([1, 7, 2024])('with seed %i the rules find exactly what was planted', async (seed) => {
    const planted = {
      'supplier-concentration': 3,
      'duplicate-contract': 5,
      'amendment-growth': 6,
      'late-publication': 7,
      'round-value': 8,
      calendar: 9,
      'invalid-identifier': 4,
      'threshold-splitting': 3,
    } as const
    const { findings, key, rejected } = await analyzeSynthetic({ seed, contracts: 2_500, plantedAnomalies: planted })
    expect(rejected).toBe(0)
    for (const finding of findings) {
      const rule = PLANTABLE_RULES.find((candidate) => candidate === finding.rule)
      expect(foundBy(finding), finding.rule).toEqual(rule === undefined ? [] : plantedOf(key, rule))
      expect(finding.outcome, finding.rule).toBe(rule === undefined || rule === 'benford-first-two' ? 'nothing-found' : 'indication')
    }
  })

  it('with nothing planted no rule remarks anything', async () => {
    for (const contracts of [300, 1_000, 6_000]) {
      const { findings } = await analyzeSynthetic({ seed: 5, contracts, plantedAnomalies: {} })
      const others = findings.filter((finding) => finding.outcome !== 'nothing-found')
      // All are bought by tender, so there is no direct purchase to look at.
      expect(others.map(({ rule, outcome }) => [rule, outcome])).toEqual([['threshold-splitting', 'population-too-small']])
    }
  })

  it('digits planted in a tenth of the contracts are the pair that stands out', async () => {
    const { findings, key } = await analyzeSynthetic({ seed: 3, contracts: 2_000, plantedAnomalies: { 'benford-first-two': 220 } })
    const finding = findings.find((candidate) => candidate.rule === 'benford-first-two')
    expect(finding).toMatchObject({ outcome: 'indication', statistics: { worstPairs: [{ digits: 76 }, {}] } })
    // Fewer are listed than planted, since each pair lists 200 at most; all listed as 76 and planted are in the key.
    expect(finding?.recordCount).toMatchObject({ truncated: true })
    const planted = new Set(plantedOf(key, 'benford-first-two'))
    expect(finding?.records.filter((record) => record.kind === 'contract' && planted.has(record.line)).length).toBeGreaterThan(180)
  })

  it('are the same for the same seed, byte for byte, and others for another', () => {
    const bytes = (seed: number): Buffer => Buffer.concat([...generateSyntheticPortal({ seed, contracts: 500 }).chunks()])
    expect(bytes(1).equals(bytes(1))).toBe(true)
    expect(bytes(1).equals(bytes(2))).toBe(false)
  })

  it('say in every name that they are synthetic', () => {
    const text = Buffer.concat([...generateSyntheticPortal({ seed: 1, contracts: 300 }).chunks()]).toString('latin1')
    const rows = text.trimEnd().split('\n').slice(1)
    expect(rows).toHaveLength(300)
    for (const row of rows) {
      const fields = row.slice(1, -1).split('";"')
      for (const column of [1, 6, 8, 10, 16]) expect(fields[column]).toMatch(/SINTÉTIC[OA]/)
    }
  })

  it('are made piece by piece', () => {
    let chunks = 0
    for (const chunk of generateSyntheticPortal({ seed: 1, contracts: 10_000_000_000 }).chunks()) {
      expect(chunk.length).toBeLessThan(400_000)
      if (++chunks === 3) break
    }
    for (const chunk of generateSyntheticPortal({ seed: 1, contracts: 10, items: 10_000_000_000 }).items?.chunks() ?? []) {
      expect(chunk.length).toBeLessThan(400_000)
      if (++chunks === 6) break
    }
    expect(chunks).toBe(6)
  })

  it('refuse more anomalies than there is room for', () => {
    const make = (): unknown => generateSyntheticPortal({ seed: 1, contracts: 100, plantedAnomalies: { calendar: 51 } })
    expect(make).toThrow('plantedAnomalies must take at most half of the 100 contracts, got 51 rows')
    const dear = (items: number): unknown =>
      generateSyntheticPortal({ seed: 1, contracts: 100, items, plantedAnomalies: { 'price-outlier': 3 } })
    expect(() => dear(29)).toThrow('plantedAnomalies.price-outlier must be at most a tenth of the 29 items, got 3')
    expect(dear(30)).toMatchObject({ items: { fileName: '202401_ItemCompra.csv' } })
    expect(() => generateSyntheticPortal({ seed: 1, contracts: 0, items: 1 })).toThrow('items must be 0 without contracts, got 1')
    expect(() => generateSyntheticPortal({ seed: 1, contracts: 10, month: 13 })).toThrow('month must be at most 12')
  })
})

describe('synthetic items and direct purchases', () => {
  const planted = { 'threshold-splitting': 4, 'price-outlier': 12 } as const

  it.each([1, 7, 2024])('with seed %i the dear items are found, and no other, also for the contracts of one year', async (seed) => {
    await using folder = await temporaryFolder()
    const { key } = await writeSyntheticPortal(folder.path, { seed, contracts: 900, items: 1_111, plantedAnomalies: planted })
    for (const filter of [{}, { publicationYear: 2024 }]) {
      const { findings, rejects } = await analyzePortalItems(folder.path, { filter })
      expect(rejects.total).toBe(0)
      expect(findings).toMatchObject([{ outcome: 'indication', population: { n: 1_111 } }])
      expect(findings.flatMap(foundBy).toSorted()).toEqual(plantedOf(key, 'price-outlier'))
    }
    expect(plantedOf(key, 'price-outlier')).toHaveLength(12)
  })

  it.each([1, 5, 12])(
    'in month %i purchases that add up to the limit are found, and those of the same size that do not are passed over',
    async (month) => {
      await using folder = await temporaryFolder()
      const { key } = await writeSyntheticPortal(folder.path, { seed: 4, contracts: 600, month, plantedAnomalies: planted, items: 120 })
      const { findings } = await analyzePortal(folder.path)
      const [finding] = findings.filter(({ rule }) => rule === 'threshold-splitting')
      expect(finding).toMatchObject({ outcome: 'indication', population: { n: 4 * 5 }, statistics: { groups: 4, bunched: false } })
      expect(finding === undefined ? [] : foundBy(finding)).toEqual(plantedOf(key, 'threshold-splitting'))
    },
  )

  it('are the same for the same seed, change no contract, and say that they are synthetic', () => {
    const made = (seed: number, items: number): { readonly contracts: Buffer; readonly items: Buffer } => {
      const portal = generateSyntheticPortal({ seed, contracts: 300, items })
      return { contracts: Buffer.concat([...portal.chunks()]), items: Buffer.concat([...(portal.items?.chunks() ?? [])]) }
    }
    expect(made(1, 200)).toEqual(made(1, 200))
    expect(made(1, 200).items.equals(made(2, 200).items)).toBe(false)
    expect(made(1, 200).contracts.equals(made(1, 0).contracts)).toBe(true)
    expect(made(1, 0).items).toHaveLength(0)
    const rows = made(1, 200).items.toString('latin1').trimEnd().split('\n').slice(1)
    expect(rows).toHaveLength(200)
    for (const row of rows) {
      const fields = row.slice(1, -1).split('";"')
      for (const column of [1, 3, 6]) expect(fields[column]).toMatch(/SINTÉTIC[OA]/)
    }
  })
})

describe('scores of the rules', () => {
  it('are recall and precision 1 where a rule finds what was planted and nothing else', async () => {
    const { findings, key } = await analyzeSynthetic({ seed: 9, contracts: 1_000 })
    const scores = scoreRules(key, findings)
    expect(scores.map(({ rule }) => rule)).toEqual(findings.map(({ rule }) => rule))
    expect(scores.find(({ rule }) => rule === 'calendar')).toEqual({
      rule: 'calendar',
      planted: 4,
      found: 4,
      hits: 4,
      recall: 1,
      precision: 1,
    })
    expect(scores.find(({ rule }) => rule === 'supplier-concentration')).toMatchObject({ planted: 2, recall: 1, precision: 1 })
    expect(scores.find(({ rule }) => rule === 'benford-first')).toMatchObject({ planted: 0, recall: null, precision: null })
  })

  it('are recall 0 for a rule that finds nothing, and for one that gave no finding at all', async () => {
    const { findings, key } = await analyzeSynthetic({ seed: 9, contracts: 1_000 })
    const blind = findings
      .filter(({ rule }) => rule !== 'round-value')
      .map((finding) => (finding.rule === 'calendar' ? { ...finding, records: [] } : finding))
    for (const rule of ['calendar', 'round-value'])
      expect(scoreRules(key, blind).find((score) => score.rule === rule)).toEqual({
        rule,
        planted: 4,
        found: 0,
        hits: 0,
        recall: 0,
        precision: null,
      })
  })

  it('fall with each record that was not planted and each that was missed, and lines of another file are no hit', async () => {
    const { findings, key } = await analyzeSynthetic({ seed: 9, contracts: 1_000 })
    const rounds = findings.find(({ rule }) => rule === 'round-value')?.records ?? []
    const muddled = findings.map((finding) =>
      finding.rule === 'calendar' ? { ...finding, records: [...finding.records.slice(1), ...rounds.slice(0, 2)] } : finding,
    )
    expect(scoreRules(key, muddled).find(({ rule }) => rule === 'calendar')).toMatchObject({ hits: 3, recall: 0.75, precision: 0.6 })
    const elsewhere = key.map((anomaly) => ({ ...anomaly, file: 'other.csv' }))
    expect(scoreRules(elsewhere, findings).find(({ rule }) => rule === 'calendar')).toMatchObject({ hits: 0, recall: 0, precision: 0 })
  })
})
