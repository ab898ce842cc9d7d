import { describe, expect, it } from 'vitest'
import { contract, type ContractSketch } from '../../../test/support/portal-file.ts'
import type { Finding } from '../../findings/finding.ts'
import { bandOf, binomialTail } from './bunching.ts'
import { createContractSplitting, type ThresholdSplittingOptions } from './threshold-splitting.ts'
import { money } from '../../../test/support/portal-file.ts'

const LIMIT = 59_906.02
const purchase = (sketch: ContractSketch): ReturnType<typeof contract> =>
  contract({ modality: 'Dispensa de Licitação', legalBasis: 'Lei 14.133/2021, Art. 75, II', ...sketch })

function run(sketches: readonly ContractSketch[], options: ThresholdSplittingOptions = {}): Finding {
  const rule = createContractSplitting(options)
  for (const [index, sketch] of sketches.entries()) rule.add(purchase({ line: index + 2, ...sketch }))
  const [finding] = rule.finish()
  return finding ?? expect.unreachable()
}

describe('threshold-splitting', () => {
  it('remarks purchases that reach the limit together, over branches of one company', () => {
    const finding = run([
      { value: '30000.00', supplier: '11444777000161' },
      { value: '29906.02', supplier: '11444777000242' },
      { value: '59906.01', supplier: '33000167000101' },
    ])
    expect(finding).toMatchObject({ outcome: 'indication', severity: 'medium', statistics: { groups: 1, purchasesInGroups: 2 } })
    expect(finding.records.map((record) => record.facts)).toEqual([
      { pattern: 'splitting', group: 1, total: '59906.02', limit: '59906.02' },
      { pattern: 'splitting', group: 1, total: '59906.02', limit: '59906.02' },
    ])
  })

  it.each<[string, readonly ContractSketch[]]>([
    ['a cent below the limit', [{ value: '30000.00' }, { value: '29906.01' }]],
    ['one purchase alone', [{ value: '59906.01' }]],
    ['one of them at the limit by itself', [{ value: '59906.02' }, { value: '1.00' }]],
    [
      'another unit',
      [
        { value: '40000', unit: '1' },
        { value: '40000', unit: '2' },
      ],
    ],
    [
      'another year',
      [
        { value: '40000', signedOn: '2024-01-02' },
        { value: '40000', signedOn: '2023-12-29' },
      ],
    ],
    ['works beside purchases', [{ value: '40000' }, { value: '40000', legalBasis: 'Lei 14.133/2021, Art. 75, I' }]],
    [
      'hidden suppliers',
      [
        { value: '40000', supplier: '-11' },
        { value: '40000', supplier: '-11' },
      ],
    ],
  ])('does not remark %s', (_why, sketches) => {
    expect(run(sketches)).toMatchObject({ outcome: 'nothing-found', statistics: { groups: 0 } })
  })

  it('doubles the limit of the units it is told of', () => {
    const sketches = [{ value: '40000' }, { value: '40000' }]
    expect(run(sketches, { unitsWithDoubleLimit: ['254450'] }).statistics.groups).toBe(0)
    expect(run(sketches, { unitsWithDoubleLimit: ['1'] }).statistics.groups).toBe(1)
  })

  it('remarks purchases gathered below the limit, with how likely chance is, and says little where the basis is supposed', () => {
    const below = Array.from({ length: 12 }, (_, index) => ({ value: String(LIMIT - 1 - index), unit: String(index), legalBasis: '' }))
    const finding = run([...below, { value: String(LIMIT), unit: '99', legalBasis: '' }])
    expect(finding).toMatchObject({
      outcome: 'indication',
      severity: 'low',
      statistics: { justBelow: 12, justAbove: 1, atLimit: 1, bunched: true, basisSupposed: 13 },
    })
    expect(finding.statistics.chance).toBeCloseTo(14 / 2 ** 13, 12)
    expect(finding.recordCount.total).toBe(12)
    expect(finding.explanation.en).toContain('art. 75, II is supposed')
    expect(run(below.slice(0, 9)).outcome).toBe('nothing-found')
  })

  it('refuses a significance that is none', () => {
    expect(() => createContractSplitting({ significance: 0 })).toThrow('significance must lie between 0 and 1, got 0')
  })
})

describe('bands and chance', () => {
  it('include the limit above and nine tenths of it below', () => {
    const bands = ['899.99', '900', '999.99', '1000', '1099.99', '1100'].map((value) => bandOf(money(value), money('1000')))
    expect(bands).toEqual(['elsewhere', 'just-below', 'just-below', 'just-above', 'just-above', 'elsewhere'])
  })

  it('sum the binomial tail exactly, for few and for many', () => {
    expect(binomialTail(0, 0)).toBe(1)
    expect(binomialTail(2, 3)).toBeCloseTo(0.5, 12)
    expect(binomialTail(5, 5)).toBeCloseTo(1 / 32, 12)
    expect(binomialTail(2_500, 5_000)).toBeCloseTo(0.505_641_9, 5)
    expect(binomialTail(5_000, 5_000)).toBe(0)
  })
})
