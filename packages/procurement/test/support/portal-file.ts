import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContractFacts } from '../../src/contracts/contract.ts'
import { toSupplier } from '../../src/contracts/supplier.ts'
import { parseIsoDate, type CivilDate } from '../../src/values/civil-date.ts'
import { parseDecimalMoney, type Money } from '../../src/values/money.ts'

export const COLUMNS = [
  'Número do Contrato',
  'Objeto',
  'Fundamento Legal',
  'Modalidade Compra',
  'Situação Contrato',
  'Código Órgão Superior',
  'Nome Órgão Superior',
  'Código Órgão',
  'Nome Órgão',
  'Código UG',
  'Nome UG',
  'Data Assinatura Contrato',
  'Data Publicação DOU',
  'Data Início Vigência',
  'Data Fim Vigência',
  'Código Contratado',
  'Nome Contratado',
  'Valor Inicial Compra',
  'Valor Final Compra',
  'Número Licitação',
  'Código UG Licitação',
  'Nome UG Licitação',
  'Código Modalidade Compra Licitação',
  'Modalidade Compra Licitação',
] as const
export type Column = (typeof COLUMNS)[number]
export type Fields = Readonly<Partial<Record<Column, string>>>

const ORDINARY: Readonly<Record<Column, string>> = {
  'Número do Contrato': '000012024',
  Objeto: 'Objeto: AQUISIÇÃO DE EXEMPLO',
  'Fundamento Legal': '',
  'Modalidade Compra': 'Pregão',
  'Situação Contrato': 'Não se aplica',
  'Código Órgão Superior': '36000',
  'Nome Órgão Superior': 'Ministério da Saúde',
  'Código Órgão': '36201',
  'Nome Órgão': 'Fundação de Exemplo',
  'Código UG': '254450',
  'Nome UG': 'UNIDADE DE EXEMPLO',
  'Data Assinatura Contrato': '10/01/2024',
  'Data Publicação DOU': '12/01/2024',
  'Data Início Vigência': '10/01/2024',
  'Data Fim Vigência': '',
  'Código Contratado': '11444777000161',
  'Nome Contratado': 'EMPRESA DE EXEMPLO LTDA',
  'Valor Inicial Compra': '1234,5600',
  'Valor Final Compra': '1234,5600',
  'Número Licitação': '-3',
  'Código UG Licitação': '',
  'Nome UG Licitação': '',
  'Código Modalidade Compra Licitação': '',
  'Modalidade Compra Licitação': '',
}

const quoted = (fields: readonly string[]): string => `"${fields.join('";"')}"`

export const headerLine = (columns: readonly string[] = COLUMNS): string => quoted(columns)

export const rowLine = (fields: Fields = {}): string => quoted(COLUMNS.map((column) => fields[column] ?? ORDINARY[column]))

/** A file of the Portal with these rows, in its encoding. */
export function portalCsv(rows: readonly (Fields | string)[]): Buffer {
  const lines = rows.map((row) => (typeof row === 'string' ? row : rowLine(row)))
  return Buffer.from([headerLine(), ...lines, ''].join('\n'), 'latin1')
}

export interface Folder extends AsyncDisposable {
  readonly path: string
  write(name: string, content: Buffer | string): Promise<string>
}

/** A folder that is gone when the test is. */
export async function temporaryFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'cidadao-procurement-'))
  return {
    path,
    write: async (name, content) => {
      await writeFile(join(path, name), content)
      return join(path, name)
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

export function money(text: string): Money {
  const parsed = parseDecimalMoney(text)
  if (parsed === undefined) throw new Error(`not an amount: ${text}`)
  return parsed
}

export function date(text: string): CivilDate {
  const parsed = parseIsoDate(text)
  if (parsed === undefined) throw new Error(`not a date: ${text}`)
  return parsed
}

export interface ContractSketch {
  readonly line?: number
  readonly number?: string
  readonly modality?: string
  readonly legalBasis?: string
  readonly organ?: string
  readonly unit?: string
  readonly supplier?: string
  readonly value?: string
  readonly finalValue?: string
  readonly signedOn?: string | null
  readonly publishedOn?: string | null
}

/** A contract in which only what matters to the test is said. */
export function contract(sketch: ContractSketch = {}): ContractFacts {
  const value = money(sketch.value ?? '1234.56')
  const line = sketch.line ?? 2
  const on = (text: string | null | undefined, otherwise: string): CivilDate | null => (text === null ? null : date(text ?? otherwise))
  return {
    file: 'test_Compras.csv',
    line,
    row: line - 1,
    number: sketch.number ?? '000012024',
    modality: sketch.modality ?? 'Pregão',
    legalBasis: sketch.legalBasis ?? '',
    superiorOrgan: { code: sketch.organ ?? '36000', name: 'Ministério da Saúde' },
    organ: { code: '36201', name: 'Fundação de Exemplo' },
    unit: { code: sketch.unit ?? '254450', name: 'UNIDADE DE EXEMPLO' },
    signedOn: on(sketch.signedOn, '2024-01-10'),
    publishedOn: on(sketch.publishedOn, '2024-01-12'),
    supplier: toSupplier(sketch.supplier ?? '11444777000161', 'EMPRESA DE EXEMPLO LTDA'),
    initialValue: value,
    finalValue: sketch.finalValue === undefined ? value : money(sketch.finalValue),
  }
}

/** Contracts with one value each, numbered by line. */
export function contractsOf(values: readonly string[], sketch: ContractSketch = {}): readonly ContractFacts[] {
  return values.map((value, index) => contract({ ...sketch, value, line: index + 2 }))
}
