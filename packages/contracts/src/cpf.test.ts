import { describe, expect, it } from 'vitest'
import { isValidCpf, maskCpfs } from './cpf.ts'

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

describe('isValidCpf', () => {
  it('tells valid numbers from others by their check digits', () => {
    expect(['11144477735', '11144477734', '11111111111', '1114447773'].map(isValidCpf)).toEqual([true, false, false, false])
  })
})
