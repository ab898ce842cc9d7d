import type { PublicBody, RowPosition } from '../contracts/contract.ts'
import { createBodyPool, type PartyPool } from '../contracts/party-pool.ts'
import type { ColumnPositions } from '../table/header.ts'
import { readRow, RowFields } from '../table/row-fields.ts'
import type { RowReader, TableSpec } from '../table/table.ts'
import { detach, TextPool } from '../table/text-pool.ts'
import { maskCpfs } from '../values/identifiers.ts'
import type { Amendment, Apostille } from './contract-change.ts'

const COMMON = [
  'Número Contrato',
  'Código Órgão Superior',
  'Nome Órgão Superior',
  'Código Órgão',
  'Nome Órgão',
  'Código UG',
  'Nome UG',
] as const
type CommonColumn = (typeof COMMON)[number]

const OF_AMENDMENTS = ['Número Termo Aditivo', 'Data Publicação', 'Objeto'] as const
const OF_APOSTILLES = [
  'Número Apostilamento',
  'Descrição Apostilamento',
  'Valor Apostilamento',
  'Data de inclusão',
  'Situação Apostilamento',
] as const
export type AmendmentColumn = CommonColumn | (typeof OF_AMENDMENTS)[number]
export type ApostilleColumn = CommonColumn | (typeof OF_APOSTILLES)[number]

/** `AAAAMM_TermoAditivo.csv` of the Portal da Transparência. */
export const PORTAL_AMENDMENTS: TableSpec<AmendmentColumn, Amendment> = {
  files: { pattern: /^(?:\d{6}_)?TermoAditivo\.csv$/i, example: '202401_TermoAditivo.csv' },
  dialect: { encoding: 'iso-8859-1', delimiter: ';' },
  columns: [...COMMON, ...OF_AMENDMENTS],
  createRowReader: (positions) =>
    createChangeReader(positions, (row) => ({
      number: detach(row.masked('Número Termo Aditivo')),
      subject: row.masked('Objeto'),
      publishedOn: row.date('Data Publicação'),
    })),
}

/** `AAAAMM_Apostilamento.csv` of the Portal da Transparência; in many months it is a header alone. */
export const PORTAL_APOSTILLES: TableSpec<ApostilleColumn, Apostille> = {
  files: { pattern: /^(?:\d{6}_)?Apostilamento\.csv$/i, example: '202401_Apostilamento.csv' },
  dialect: { encoding: 'iso-8859-1', delimiter: ';' },
  columns: [...COMMON, ...OF_APOSTILLES],
  createRowReader: (positions) =>
    createChangeReader(positions, (row) => ({
      number: detach(row.masked('Número Apostilamento')),
      subject: row.masked('Descrição Apostilamento'),
      value: row.statedAmount('Valor Apostilamento'),
      includedOn: row.date('Data de inclusão'),
      situation: row.text('Situação Apostilamento'),
    })),
}

interface ChangedContract extends RowPosition {
  readonly contractNumber: string
  readonly superiorOrgan: PublicBody
  readonly organ: PublicBody
  readonly unit: PublicBody
}

function createChangeReader<Column extends string, Own>(
  positions: ColumnPositions<Column | CommonColumn>,
  readOwn: (row: RowFields<Column | CommonColumn>) => Own,
): RowReader<Own & ChangedContract> {
  const pool = new TextPool()
  const bodies = { superiorOrgans: createBodyPool(pool), organs: createBodyPool(pool), units: createBodyPool(pool) }
  return (fields, position) =>
    readRow(() => {
      const row = new RowFields<Column | CommonColumn>(fields, positions)
      return { ...position, ...readChangedContract(row, bodies), ...readOwn(row) }
    })
}

function readChangedContract(
  row: RowFields<CommonColumn>,
  bodies: Readonly<Record<'superiorOrgans' | 'organs' | 'units', PartyPool<PublicBody>>>,
): Omit<ChangedContract, keyof RowPosition> {
  return {
    contractNumber: detach(maskCpfs(row.required('Número Contrato'))),
    superiorOrgan: bodies.superiorOrgans.of(row.required('Código Órgão Superior'), row.text('Nome Órgão Superior')),
    organ: bodies.organs.of(row.required('Código Órgão'), row.text('Nome Órgão')),
    unit: bodies.units.of(row.required('Código UG'), row.text('Nome UG')),
  }
}
