import { describe, expect, it } from 'vitest'
import {
  addMoney,
  compareMoney,
  displayMoney,
  formatMoney,
  leadingDigits,
  parseDecimalMoney,
  parseMoney,
  ratioOf,
  reais,
  ZERO,
} from './money.ts'

const parsed = (text: string): string | undefined => {
  const amount = parseMoney(text)
  return amount === undefined ? undefined : formatMoney(amount)
}

describe('money', () => {
  it.each([
    ['5552584000,0000', '5552584000.00'],
    ['8044,26', '8044.26'],
    ['61.233,20', '61233.20'],
    ['3480,00', '3480.00'],
    ['1.234.567,8', '1234567.80'],
    ['0,0005', '0.0005'],
    ['0,1230', '0.123'],
    ['-2588,9700', '-2588.97'],
    ['-0,50', '-0.50'],
    ['0', '0.00'],
    ['12', '12.00'],
    ['1,230000', '1.23'],
  ])('reads %s exactly as %s', (text, decimal) => expect(parsed(text)).toBe(decimal))

  it.each(['', ' ', 'R$ 10', '12.34', '1,2,3', '1.23.456,00', '--1', '1e3', 'NaN', '1,23456', ',50', '1.', '१२'])(
    'refuses "%s" and does not guess',
    (text) => expect(parsed(text)).toBeUndefined(),
  )

  it('refuses what does not fit into 64 bits', () => {
    expect(parsed('99999999999999,9999')).toBe('99999999999999.9999')
    expect(parsed('100000000000000,0000')).toBeUndefined()
  })

  it('sums without the error of floats', () => {
    const tenth = parseMoney('0,1') ?? ZERO
    let sum = ZERO
    for (let index = 0; index < 10; index++) sum = addMoney(sum, tenth)
    expect(sum).toBe(reais(1))
  })

  it('writes what it reads back', () => {
    for (const text of ['9222273688.82', '-0.0001', '0.00', '12.3456']) {
      expect(formatMoney(parseDecimalMoney(text) ?? ZERO)).toBe(text)
    }
    expect(parseDecimalMoney('1,5')).toBeUndefined()
  })

  it('shows amounts as each language writes them', () => {
    const amount = parseDecimalMoney('9222273688.82') ?? ZERO
    expect(displayMoney(amount, 'en')).toBe('R$ 9,222,273,688.82')
    expect(displayMoney(amount, 'pt')).toBe('R$ 9.222.273.688,82')
    expect(displayMoney(reais(-999), 'pt')).toBe('-R$ 999,00')
  })

  it('orders amounts', () => {
    expect([reais(3), reais(-1), reais(2)].sort(compareMoney)).toEqual([reais(-1), reais(2), reais(3)])
  })

  it('divides on integers and cuts, so that a ratio never rounds up to a limit', () => {
    expect(ratioOf(2n, 3n)).toBe(0.666666)
    expect(ratioOf(1_249_999_999n, 1_000_000_000n, 3)).toBe(1.249)
  })

  it.each([
    ['5552584000.00', 5, 55],
    ['0.0712', 7, 71],
    ['0.0003', 3, 30],
    ['10.00', 1, 10],
  ])('takes the leading digits of %s', (text, first, firstTwo) => {
    expect(leadingDigits(parseDecimalMoney(text) ?? ZERO)).toEqual({ first, firstTwo })
  })
})
