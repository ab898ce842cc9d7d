import { describe, expect, it } from 'vitest'
import { contract } from '../../test/support/portal-file.ts'
import { matchesFilter } from './contract-filter.ts'

describe('contract filter', () => {
  const signedInDecember = contract({ signedOn: '2023-12-29', publishedOn: '2024-01-03' })

  it('takes the year of an investigation as that of publication', () => {
    expect(matchesFilter(signedInDecember, { publicationYear: 2024 })).toBe(true)
    expect(matchesFilter(signedInDecember, { publicationYear: 2023 })).toBe(false)
  })

  it('takes the year of signature where that is asked', () => {
    expect(matchesFilter(signedInDecember, { signatureYear: 2023 })).toBe(true)
    expect(matchesFilter(signedInDecember, { signatureYear: 2024 })).toBe(false)
  })

  it('leaves out a contract without the date that is asked for', () => {
    expect(matchesFilter(contract({ publishedOn: null }), { publicationYear: 2024 })).toBe(false)
  })

  it('takes any of several organs', () => {
    expect(matchesFilter(signedInDecember, { superiorOrganCodes: ['26000', '36000'] })).toBe(true)
    expect(matchesFilter(signedInDecember, { superiorOrganCodes: [] })).toBe(false)
  })

  it('takes a supplier by CNPJ, by the root of it, and by words of the name', () => {
    const bought = contract({})
    const { code, name } = bought.supplier
    const [word = ''] = name.split(' ')
    expect(matchesFilter(bought, { supplierCnpj: code })).toBe(true)
    expect(matchesFilter(bought, { supplierCnpj: code.slice(0, 8) })).toBe(true)
    expect(matchesFilter(bought, { supplierCnpj: '99900017000100' })).toBe(false)
    expect(matchesFilter(bought, { supplierCnpj: 'nobody' })).toBe(false)
    expect(matchesFilter(bought, { supplierName: word.toLowerCase() })).toBe(true)
    expect(matchesFilter(bought, { supplierName: `${word}x` })).toBe(false)
  })

  it('lets all pass when nothing is asked', () => expect(matchesFilter(signedInDecember, {})).toBe(true))
})
