import { describe, expect, it } from 'vitest'
import { COLUMNS, headerLine, portalCsv, rowLine } from '../../test/support/portal-file.ts'
import { PORTAL_CONTRACTS } from '../contracts/portal-contracts.ts'
import type { Contract } from '../contracts/contract.ts'
import { FileEmptyError, HeaderMismatchError, WrongEncodingError } from '../errors.ts'
import { formatIsoDate } from '../values/civil-date.ts'
import { formatMoney } from '../values/money.ts'
import type { RejectedRow } from './rejected-row.ts'
import { TableParser } from './table-parser.ts'

interface Parsed {
  readonly contracts: readonly Contract[]
  readonly rejected: readonly RejectedRow[]
  readonly rows: number
}

function parse(content: Buffer, chunkBytes = content.length || 1, maxRowBytes = 10_000): Parsed {
  const parser = new TableParser(PORTAL_CONTRACTS, { file: '202401_Compras.csv', maxRowBytes })
  const events = []
  for (let start = 0; start < content.length; start += chunkBytes) events.push(...parser.push(content.subarray(start, start + chunkBytes)))
  events.push(...parser.end())
  return {
    contracts: events.flatMap((event) => (event.kind === 'row' ? [event.row] : [])),
    rejected: events.flatMap((event) => (event.kind === 'rejected' ? [event.rejected] : [])),
    rows: parser.rows,
  }
}

const reasons = ({ rejected }: Parsed): readonly (readonly [number, string, string | null])[] =>
  rejected.map((row) => [row.line, row.reason, row.column])

describe('Portal contract parser', () => {
  it('reads a row with Portuguese text, exact money and dates', () => {
    const { contracts } = parse(portalCsv([{ Objeto: 'Objeto: AQUISIÇÃO DE PÃES, À VISTA', 'Valor Final Compra': '-5552584000,0001' }]))
    const [contract] = contracts
    expect(contract?.object).toBe('Objeto: AQUISIÇÃO DE PÃES, À VISTA')
    expect(contract?.superiorOrgan).toEqual({ code: '36000', name: 'Ministério da Saúde' })
    expect(contract && formatMoney(contract.initialValue)).toBe('1234.56')
    expect(contract && formatMoney(contract.finalValue)).toBe('-5552584000.0001')
    expect(contract?.signedOn != null && formatIsoDate(contract.signedOn)).toBe('2024-01-10')
    expect(contract?.endsOn).toBeNull()
    expect([contract?.row, contract?.line, contract?.file]).toEqual([1, 2, '202401_Compras.csv'])
  })

  it('gives the same rows wherever the chunks are cut', () => {
    const content = portalCsv([{}, { Objeto: 'com ""aspas"" e\nquebra' }, 'quebrada', { 'Valor Inicial Compra': 'x' }])
    const whole = parse(content)
    for (const bytes of [1, 7, 64, 1_000]) expect(parse(content, bytes)).toEqual(whole)
  })

  it('masks CPFs in every text before anybody sees the row', () => {
    const { contracts } = parse(
      portalCsv([
        {
          Objeto: 'Locação com JOSE, CPF 111.444.777-35',
          'Fundamento Legal': 'procuração de 11144477735',
          'Código Contratado': '11144477735',
          'Nome Contratado': 'JOSE 11144477735',
          'Nome UG': 'UNIDADE 111.444.777-35',
        },
      ]),
    )
    expect(JSON.stringify(contracts, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toMatch(
      /111.?444.?777.?35/,
    )
    expect(contracts[0]?.supplier).toMatchObject({ kind: 'cpf', code: '***.444.777-**', name: 'JOSE ***.444.777-**', check: 'valid' })
  })

  it('accepts further columns and any order of columns', () => {
    const columns = ['Coluna Nova', ...COLUMNS.toReversed()]
    const row = `"x";${rowLine()
      .slice(1, -1)
      .split('";"')
      .toReversed()
      .map((field) => `"${field}"`)
      .join(';')}`
    const { contracts } = parse(Buffer.from(`${headerLine(columns)}\n${row}\n`, 'latin1'))
    expect(contracts[0]?.unit.code).toBe('254450')
  })

  it('reads a file that has only a header as no rows', () => expect(parse(portalCsv([]))).toEqual({ contracts: [], rejected: [], rows: 0 }))

  it('passes over blank lines and reads a last line without line break', () => {
    const content = Buffer.from(`${headerLine()}\n\n${rowLine()}\n\n${rowLine()}`, 'latin1')
    expect(parse(content).contracts.map((contract) => [contract.row, contract.line])).toEqual([
      [1, 3],
      [2, 5],
    ])
  })

  it('reads Windows line ends', () => {
    const content = Buffer.from(portalCsv([{}, {}]).toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
    expect(parse(content).contracts).toHaveLength(2)
    expect(parse(content).rejected).toEqual([])
  })
})

describe('rejected rows', () => {
  it('are listed with line, reason and column, and the others are read', () => {
    const parsed = parse(
      portalCsv([
        {},
        { 'Valor Inicial Compra': '12.34' },
        { 'Data Assinatura Contrato': '31/02/2024' },
        { 'Código UG': '' },
        '"too";"few"',
        `${rowLine()};"too many"`,
        '"a"b;"c"',
        {},
      ]),
    )
    expect(reasons(parsed)).toEqual([
      [3, 'amount', 'Valor Inicial Compra'],
      [4, 'date', 'Data Assinatura Contrato'],
      [5, 'missing-value', 'Código UG'],
      [6, 'field-count', null],
      [7, 'field-count', null],
      [8, 'quotes', null],
    ])
    expect(parsed.contracts.map((contract) => contract.row)).toEqual([1, 8])
    expect(parsed.rows).toBe(8)
  })

  it('show a masked beginning of the row, cut', () => {
    const [rejected] = parse(portalCsv([`JOSE 111.444.777-35 ${'x'.repeat(300)}`])).rejected
    expect(rejected?.excerpt).toMatch(/^JOSE \*\*\*\.444\.777-\*\* x+…$/)
    expect(rejected?.excerpt.length).toBeLessThanOrEqual(121)
  })

  it('show no CPF in part where the excerpt is cut', () => {
    const [rejected] = parse(portalCsv([`${'x'.repeat(115)}111.444.777-35`])).rejected
    expect(rejected?.excerpt).not.toContain('111')
  })

  it('mask a CPF that stands where an amount belongs', () => {
    const [rejected] = parse(portalCsv([{ 'Valor Inicial Compra': '111.444.777-35' }])).rejected
    expect(JSON.stringify(rejected)).not.toContain('111.444.777-35')
  })

  it('one stray quote costs one row, not the rest of the file', () => {
    const broken = rowLine().slice(0, -1)
    const parsed = parse(portalCsv([{}, broken, {}, {}, {}]))
    expect(reasons(parsed)).toEqual([[3, 'quotes', null]])
    expect(parsed.contracts.map((contract) => contract.line)).toEqual([2, 4, 5, 6])
  })

  it('a quote that is never closed costs one row also at the end of the file', () => {
    const parsed = parse(portalCsv([{}, '"never closed', ...Array.from({ length: 200 }, () => ({}))]))
    expect(reasons(parsed)).toEqual([[3, 'quotes', null]])
    expect(parsed.contracts).toHaveLength(201)
    const truncated = parse(portalCsv([{}, {}]).subarray(0, -40))
    expect([truncated.contracts.length, truncated.rejected.length]).toEqual([1, 1])
  })

  it('a row longer than the limit is rejected without being held', () => {
    const parsed = parse(portalCsv([{}, { Objeto: 'x'.repeat(50_000) }, {}]), 1_000, 5_000)
    expect(reasons(parsed)).toEqual([[3, 'too-long', null]])
    expect(parsed.contracts.map((contract) => contract.line)).toEqual([2, 4])
  })
})

describe('files that are not what their source declares', () => {
  const text = portalCsv([{}]).toString('latin1')

  it('an empty file is an error, also one of blank lines', () => {
    expect(() => parse(Buffer.alloc(0))).toThrow(FileEmptyError)
    expect(() => parse(Buffer.from('\n\n'))).toThrow(FileEmptyError)
  })

  it('UTF-8, with and without mark, is named as such', () => {
    expect(() => parse(Buffer.from(text, 'utf8'))).toThrow(WrongEncodingError)
    expect(() => parse(Buffer.from(text, 'utf8'))).toThrow(/is in UTF-8, but its source publishes ISO-8859-1/)
    expect(() => parse(Buffer.from(`\uFEFF${text}`, 'utf8'))).toThrow(WrongEncodingError)
  })

  it('UTF-16, with and without mark, is named as such', () => {
    expect(() => parse(Buffer.from(`\uFEFF${text}`, 'utf16le'))).toThrow(/UTF-16/)
    expect(() => parse(Buffer.from(text, 'utf16le'))).toThrow(/UTF-16/)
  })

  it('a missing column is named, with the file and the columns found instead', () => {
    const renamed = Buffer.from(text.replace('Valor Inicial Compra', 'Valor Inicial'), 'latin1')
    expect(() => parse(renamed)).toThrow(HeaderMismatchError)
    expect(() => parse(renamed)).toThrow('202401_Compras.csv: column "Valor Inicial Compra" is missing from the header')
    expect(() => parse(renamed)).toThrow('"Valor Inicial"')
  })

  it('a column that appears twice is an error, since nobody knows which is meant', () => {
    const twice = Buffer.from(`"Objeto";${headerLine()}\n`, 'latin1')
    expect(() => parse(twice)).toThrow('column "Objeto" appears twice')
  })

  it('another delimiter is named', () => {
    const commas = Buffer.from(text.replaceAll('";"', '","'), 'latin1')
    expect(() => parse(commas)).toThrow('separates its columns by ",", but its source by ";"')
  })

  it('a file of another kind is no crash', () => {
    expect(() => parse(Buffer.from('%PDF-1.7 something else\nmore\n'))).toThrow(HeaderMismatchError)
    expect(() => parse(Buffer.from([1, 2, 0, 3, 10]))).toThrow(WrongEncodingError)
  })
})
