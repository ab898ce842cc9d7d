import { describe, expect, it } from 'vitest'
import { cnpjCheckDigits, isValidCnpj, isValidCpf, normalizeCnpj } from './identifiers.ts'

describe('check digits', () => {
  it('tell valid CPFs from others', () => {
    expect(isValidCpf('11144477735')).toBe(true)
    expect(isValidCpf('11144477734')).toBe(false)
    expect(isValidCpf('11111111111')).toBe(false)
    expect(isValidCpf('1114447773')).toBe(false)
  })

  it('tell valid CNPJs from others, also those with letters', () => {
    expect(isValidCnpj('11444777000161')).toBe(true)
    expect(isValidCnpj('11444777000162')).toBe(false)
    expect(isValidCnpj('00000000000000')).toBe(false)
    expect(isValidCnpj('12ABC34501DE35')).toBe(true)
    expect(cnpjCheckDigits('114447770001')).toBe('61')
  })

  it('take a CNPJ with punctuation and without', () => {
    expect(normalizeCnpj('11.444.777/0001-61')).toBe('11444777000161')
    expect(normalizeCnpj('11444777000161')).toBe('11444777000161')
    expect(normalizeCnpj('-11')).toBeUndefined()
  })
})
