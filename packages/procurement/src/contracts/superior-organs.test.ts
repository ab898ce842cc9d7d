import { describe, expect, it } from 'vitest'
import { findSuperiorOrgans, SUPERIOR_ORGANS, superiorOrganByCode } from './superior-organs.ts'

const codes = (text: string): readonly string[] => findSuperiorOrgans(text).map((organ) => organ.code)

describe('superior organs', () => {
  it.each([
    ['Analyze Ministry of Health contracts 2024', ['36000']],
    ['Analise os contratos do Ministério da Saúde em 2024', ['36000']],
    ['contratos do MINISTERIO DA SAUDE', ['36000']],
    ['compare Ministério da Educação e Ministério da Saúde', ['26000', '36000']],
    ['Ministry of Justice spending', ['30000']],
    ['Ministério da Integração e do Desenvolvimento Regional', ['53000']],
    ['contratos da CGU', ['37000']],
    ['hospitals and schools', []],
    ['the health of ministries', []],
  ])('finds in "%s" %j', (text, expected) => expect(codes(text)).toEqual(expected))

  it('finds each by its full name in both languages', () => {
    for (const { code, name } of SUPERIOR_ORGANS) {
      expect(codes(name.en)).toEqual([code])
      expect(codes(`os contratos de ${name.pt} em 2024`)).toEqual([code])
    }
  })

  it('gives an organ by its code', () => {
    expect(superiorOrganByCode('36000')?.name.en).toBe('Ministry of Health')
    expect(superiorOrganByCode('99999')).toBeUndefined()
  })
})
