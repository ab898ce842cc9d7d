import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { money } from '../../../test/support/portal-file.ts'
import type { Finding } from '../../findings/finding.ts'
import type { PricedItem } from '../../items/item.ts'
import { parseQuantity } from '../../values/quantity.ts'
import { createPriceOutlier, type PriceOutlierOptions } from './price-outlier.ts'

function item(line: number, price: string, description = 'CANETA', quantity = '10'): PricedItem {
  const unit = { code: '254450', name: 'UNIDADE DE EXEMPLO' }
  const many = parseQuantity(quantity) ?? expect.unreachable()
  const position = { file: 'test_ItemCompra.csv', line, row: line - 1 }
  return {
    ...position,
    contractNumber: '000012024',
    unit,
    code: String(line),
    description,
    quantity: many,
    unitPrice: money(price),
    supplier: null,
  }
}

function run(items: readonly PricedItem[], options: PriceOutlierOptions = {}): Finding {
  const rule = createPriceOutlier(options)
  for (const one of items) rule.add(one)
  const [finding] = rule.finish()
  return finding ?? expect.unreachable()
}

const USUAL = ['1', '1.10', '0.90', '1.20', '0.80', '1.05', '0.95', '1', '1.15'] as const
const usual = (description?: string): readonly PricedItem[] => USUAL.map((price, index) => item(index + 2, price, description))

describe('price-outlier', () => {
  it('lists the dear price with the numbers of the formula', () => {
    const finding = run([...usual(), item(20, '100', 'CANETA', '1')])
    expect(finding).toMatchObject({ outcome: 'indication', severity: 'medium', population: { n: 10 }, statistics: { dear: 1, cheap: 0 } })
    const [record] = finding.records
    expect(record).toMatchObject({ kind: 'item', line: 20, value: '100.00', quantity: '1', description: 'CANETA' })
    const logs = [...USUAL, '100'].map((price) => Math.log(Number(price))).toSorted((left, right) => left - right)
    const median = ((logs[4] ?? 0) + (logs[5] ?? 0)) / 2
    const deviations = logs.map((value) => Math.abs(value - median)).toSorted((left, right) => left - right)
    const spread = ((deviations[4] ?? 0) + (deviations[5] ?? 0)) / 2
    expect(record?.facts.modifiedZ).toBeCloseTo((0.6745 * (Math.log(100) - median)) / spread, 9)
    expect(record?.facts).toMatchObject({ itemsCompared: 10, probableLumpSum: true })
  })

  it('never calls a cheap price dear', () => {
    const finding = run([...usual(), item(20, '0.01')])
    expect(finding).toMatchObject({ outcome: 'nothing-found', statistics: { dear: 0, cheap: 1, dearOrCheap: 1 }, records: [] })
  })

  it('judges ten of a description and not nine, and no prices of zero or below', () => {
    expect(run(usual()).outcome).toBe('population-too-small')
    expect(run([...usual(), item(20, '0'), item(21, '-5')]).population.n).toBe(0)
    expect(run([...usual('CANETA'), item(20, '1', 'LÁPIS')]).outcome).toBe('population-too-small')
    expect(run([...usual(), item(20, '1')]).population.n).toBe(10)
  })

  it('has no scale where more than half of the prices are equal, and says of how many', () => {
    const finding = run([...Array.from({ length: 9 }, (_, index) => item(index + 2, '5')), item(20, '5000')])
    expect(finding).toMatchObject({ outcome: 'nothing-found', statistics: { dear: 0, itemsWithoutSpread: 10 } })
  })

  it('finds the same groups without scale whatever the currency, since a common factor changes no spread', () => {
    const prices = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 10, maxLength: 40 })
    fc.assert(
      fc.property(prices, fc.integer({ min: 2, max: 50 }), (cents, factor) => {
        const dear = (by: number): unknown =>
          run(cents.map((cent, index) => item(index + 2, String(cent * by)))).statistics.itemsWithoutSpread
        expect(dear(factor)).toBe(dear(1))
      }),
    )
  })

  it('refuses a score that is none', () => {
    expect(() => createPriceOutlier({ maxScore: Number.NaN })).toThrow('maxScore must be above 0, got NaN')
    expect(() => createPriceOutlier({ minimumItems: 2 })).toThrow('minimumItems must be a whole number of at least 3, got 2')
  })
})
