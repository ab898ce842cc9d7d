import { describe, expect, it } from 'vitest'
import { cnpjCheckDigits, isValidCnpj, isValidCpf, maskCpfs, normalizeCnpj } from './identifiers.ts'

describe('CPF masking', () => {
  it.each([
    ['CPF 111.444.777-35.', 'CPF ***.444.777-**.'],
    ['JOAO DA SILVA 11144477735', 'JOAO DA SILVA ***.444.777-**'],
    ['cpf:111444777-35;', 'cpf:***.444.777-**;'],
    ['(111.444.777/35)', '(***.444.777-**)'],
    ['111 444 777 35', '***.444.777-**'],
    ['111.444.777 - 35', '***.444.777-**'],
    ['111.444.777–35', '***.444.777-**'],
    ['111.444.777-35/2024', '***.444.777-**/2024'],
    ['111.444.777-35 e 222.555.888-46', '***.444.777-** e ***.555.888-**'],
    ['12345678901', '***.456.789-**'],
  ])('masks %s', (text, masked) => expect(maskCpfs(text)).toBe(masked))

  it.each([
    '12.345.678/0001-90',
    '12345678000190',
    'processo 23347.001002.2016-76',
    'R$ 123.456.789,01',
    '***.444.777-**',
    'itens 100 200 300 40',
    '1234567890',
    '123456789012',
  ])('leaves %s alone', (text) => expect(maskCpfs(text)).toBe(text))

  it('masks a number again without changing it', () => {
    const once = maskCpfs('111.444.777-35')
    expect(maskCpfs(once)).toBe(once)
  })
})

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
