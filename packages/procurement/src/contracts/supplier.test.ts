import { describe, expect, it } from 'vitest'
import { isIdentified, toSupplier } from './supplier.ts'

describe('supplier', () => {
  it.each([
    ['11444777000161', 'cnpj', '11444777000161', 'valid'],
    ['11.444.777/0001-62', 'cnpj', '11444777000162', 'invalid'],
    ['11144477735', 'cpf', '***.444.777-**', 'valid'],
    ['111.444.777-34', 'cpf', '***.444.777-**', 'invalid'],
    ['***.444.777-**', 'cpf', '***.444.777-**', 'not-checkable'],
    ['-11', 'confidential', '-11', 'not-checkable'],
    ['-1', 'unidentified', '-1', 'not-checkable'],
    ['', 'unidentified', '', 'not-checkable'],
    ['EX2548312', 'foreign', 'EX2548312', 'not-checkable'],
    ['330656990', 'foreign', '330656990', 'not-checkable'],
    ['ESTRANGEIRO_US_ARMY', 'name', 'ESTRANGEIRO_US_ARMY', 'not-checkable'],
  ])('knows the shape of "%s" as %s', (raw, kind, code, check) => {
    expect(toSupplier(raw, 'X')).toEqual({ kind, code, name: 'X', check })
  })

  it('masks the CPF that one-person companies carry in their name', () => {
    expect(toSupplier('11444777000161', 'MARIA DE TAL 11144477735').name).toBe('MARIA DE TAL ***.444.777-**')
  })

  it('does not take two hidden suppliers for the same', () => {
    expect(isIdentified(toSupplier('-11', 'Sigiloso'))).toBe(false)
    expect(isIdentified(toSupplier('***.444.777-**', 'FULANO'))).toBe(true)
  })
})
