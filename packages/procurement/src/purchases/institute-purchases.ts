import type { PublicBody, RowPosition } from '../contracts/contract.ts'
import { createBodyPool, type PartyPool } from '../contracts/party-pool.ts'
import type { ColumnPositions } from '../table/header.ts'
import { readRow, RowFields } from '../table/row-fields.ts'
import type { RowReader, TableSpec } from '../table/table.ts'
import { detach, TextPool } from '../table/text-pool.ts'
import type { InstitutePurchase } from './purchase.ts'

const COLUMNS = [
  'id_compra',
  'numero_compra',
  'uasg_codigo',
  'uasg_nome',
  'modalidade_nome',
  'amparo_legal',
  'situacao',
  'objeto',
  'valor_estimado',
  'valor_homologado',
  'data_publicacao',
] as const
export type InstitutePurchaseColumn = (typeof COLUMNS)[number]

/** `compras.csv`: purchases of a federal institute, as exported from Compras.gov.br. Columns that name civil servants are not read. */
export const INSTITUTE_PURCHASES: TableSpec<InstitutePurchaseColumn, InstitutePurchase> = {
  files: { pattern: /^compras\.csv$/i, example: 'compras.csv' },
  dialect: { encoding: 'utf-8', delimiter: ';' },
  columns: COLUMNS,
  createRowReader: (positions) => createPurchaseReader(positions),
}

function createPurchaseReader(positions: ColumnPositions<InstitutePurchaseColumn>): RowReader<InstitutePurchase> {
  const pool = new TextPool()
  const units = createBodyPool(pool)
  return (fields, position) => readRow(() => toPurchase(new RowFields(fields, positions), { position, pool, units }))
}

interface PurchaseContext {
  readonly position: RowPosition
  readonly pool: TextPool
  readonly units: PartyPool<PublicBody>
}

function toPurchase(row: RowFields<InstitutePurchaseColumn>, { position, pool, units }: PurchaseContext): InstitutePurchase {
  return {
    ...position,
    id: detach(row.required('id_compra')),
    number: detach(row.required('numero_compra')),
    year: row.yearAfterSlash('numero_compra'),
    unit: units.of(row.required('uasg_codigo'), row.text('uasg_nome')),
    modality: pool.share(row.text('modalidade_nome')),
    legalBasis: pool.share(row.masked('amparo_legal')),
    subject: row.masked('objeto'),
    situation: pool.share(row.text('situacao')),
    estimatedValue: row.statedAmount('valor_estimado'),
    awardedValue: row.statedAmount('valor_homologado'),
    publishedOn: row.date('data_publicacao'),
  }
}
