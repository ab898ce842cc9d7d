import { describe, expect, it } from 'vitest'
import { contract, date, money } from '../../test/support/portal-file.ts'
import { formatMoney } from '../values/money.ts'
import { directPurchaseOfContract } from './direct-purchase.ts'
import { lowValueBasis } from './legal-basis.ts'
import { directPurchaseLimit } from './legal-limits.ts'

describe('legal basis of a direct purchase', () => {
  it.each([
    ['Lei 14.133/2021, Art. 75, II', 'lei-14133', 'other'],
    ['Lei 14.133/2021, Art. 75, I', 'lei-14133', 'works'],
    ['Art. 24º, Inciso II da Lei nº 8.666 de 21º/06/1993.', 'lei-8666', 'other'],
    ['Art.24º, Inciso II da Lei nº 8.666 de 21/06/1993.', 'lei-8666', 'other'],
    ['24º, Inciso I da Lei nº 8.666 de 21/06/1993.', 'lei-8666', 'works'],
    ['art. 37, XXI da Constituição Federal e art. 24, inciso II, da Lei nº 8.666/93', 'lei-8666', 'other'],
  ])('"%s" is a low value by %s, %s', (cited, law, purpose) => expect(lowValueBasis(cited)).toEqual({ law, purpose }))

  it.each([
    'Lei 14.133/2021, Art. 75, III, a',
    'Lei 14.133/2021, Art. 75, IV, e',
    'Lei 14.133/2021, Art. 75, VIII',
    'Art. 24º, Inciso XXII da Lei nº 8.666 de 21/06/1993.',
    'Art. 14 da Lei nº 11.947 de 16/06/2009.',
    'Art. 24, II da Lei nº 10.520',
    'Aquisição de 75 itens',
    '',
  ])('"%s" is none', (cited) => expect(lowValueBasis(cited)).toBeUndefined())
})

describe('limit of direct purchases', () => {
  const limit = (law: 'lei-8666' | 'lei-14133' | null, day: string | number, purpose: 'works' | 'other' = 'other'): string => {
    const on = typeof day === 'string' ? date(day) : null
    const year = typeof day === 'string' ? Number(day.slice(0, 4)) : day
    return formatMoney(directPurchaseLimit({ law, purpose, year, on }))
  }

  it('changes with the day and the law', () => {
    expect([limit('lei-8666', '2018-07-18'), limit('lei-8666', '2018-07-18', 'works')]).toEqual(['8000.00', '15000.00'])
    expect([limit('lei-8666', '2018-07-19'), limit('lei-8666', '2018-07-19', 'works')]).toEqual(['17600.00', '33000.00'])
    expect([limit('lei-8666', '2023-12-29'), limit('lei-14133', '2023-12-29')]).toEqual(['17600.00', '57208.33'])
    const years = [2021, 2022, 2023, 2024, 2025, 2026]
    expect(years.map((year) => limit('lei-14133', year))).toEqual(['50000.00', '54020.41', '57208.33', '59906.02', '62725.59', '65492.11'])
    const works = ['100000.00', '108040.82', '114416.65', '119812.02', '125451.15', '130984.20']
    expect(years.map((year) => limit('lei-14133', year, 'works'))).toEqual(works)
  })

  it('of a year without a day, or without a law, is the one in favour of the buyer', () => {
    expect([limit('lei-8666', 2017), limit('lei-8666', 2018)]).toEqual(['8000.00', '17600.00'])
    expect([limit(null, '2021-03-31'), limit(null, '2021-04-01'), limit(null, 2021)]).toEqual(['17600.00', '50000.00', '50000.00'])
  })

  it('beyond the years known is that of the nearest', () => {
    expect([limit('lei-8666', 1990), limit('lei-14133', 2020), limit('lei-14133', 2040)]).toEqual(['8000.00', '50000.00', '65492.11'])
  })
})

describe('direct purchases among contracts of the Portal', () => {
  const direct = { modality: 'Dispensa de Licitação' }

  it('suppose art. 75, II where none is cited, and read what is', () => {
    expect(directPurchaseOfContract(contract(direct))).toMatchObject({ law: null, purpose: 'other', year: 2024, value: money('1234.56') })
    expect(directPurchaseOfContract(contract({ ...direct, legalBasis: 'Lei 14.133/2021, Art. 75, I' }))).toMatchObject({
      law: 'lei-14133',
      purpose: 'works',
    })
  })

  it.each([{}, { ...direct, legalBasis: 'Lei 14.133/2021, Art. 75, VIII' }, { ...direct, signedOn: null }, { ...direct, value: '0' }])(
    '%o is none',
    (sketch) => expect(directPurchaseOfContract(contract(sketch))).toBeUndefined(),
  )
})
