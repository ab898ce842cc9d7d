import { describe, expect, it } from 'vitest'
import {
  analyzePortal,
  generateSyntheticPortal,
  PLANTABLE_RULES,
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
  finding.records.map((record) => (record.kind === 'contract' ? record.line : record.key)).toSorted()

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
    } as const
    const { findings, key, rejected } = await analyzeSynthetic({ seed, contracts: 2_500, plantedAnomalies: planted })
    expect(rejected).toBe(0)
    for (const finding of findings.filter(({ rule }) => rule !== 'threshold-splitting')) {
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
    expect(chunks).toBe(3)
  })

  it('refuse more anomalies than there is room for', () => {
    const make = (): unknown => generateSyntheticPortal({ seed: 1, contracts: 100, plantedAnomalies: { calendar: 51 } })
    expect(make).toThrow('plantedAnomalies must take at most half of the 100 contracts, got 51 rows')
    expect(() => generateSyntheticPortal({ seed: 1, contracts: 10, month: 13 })).toThrow('month must be at most 12')
  })
})
