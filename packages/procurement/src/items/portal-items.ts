import type { RowPosition } from '../contracts/contract.ts'
import { createBodyPool, type PartyPool } from '../contracts/party-pool.ts'
import type { PublicBody } from '../contracts/contract.ts'
import type { ColumnPositions } from '../table/header.ts'
import { readRow, RowFields } from '../table/row-fields.ts'
import type { RowReader, TableSpec } from '../table/table.ts'
import { detach, TextPool } from '../table/text-pool.ts'
import { maskCpfs } from '../values/identifiers.ts'
import type { PortalItem } from './item.ts'

const COLUMNS = [
  'Código Órgão',
  'Nome Órgão',
  'Código UG',
  'Nome UG',
  'Número Contrato',
  'Código Item Compra',
  'Descrição Item Compra',
  'Descrição Complementar Item Compra',
  'Quantidade Item',
  'Valor Item',
] as const
export type PortalItemColumn = (typeof COLUMNS)[number]

/** What the Portal's export prints where the buyer added nothing. */
const NOTHING = 'undefined'

/** `AAAAMM_ItemCompra.csv` of the Portal da Transparência. `Valor Item` is the price of one. */
export const PORTAL_ITEMS: TableSpec<PortalItemColumn, PortalItem> = {
  files: { pattern: /^(?:\d{6}_)?ItemCompra\.csv$/i, example: '202401_ItemCompra.csv' },
  dialect: { encoding: 'iso-8859-1', delimiter: ';' },
  columns: COLUMNS,
  createRowReader: (positions) => createItemReader(positions),
}

interface ItemContext {
  readonly position: RowPosition
  readonly pool: TextPool
  readonly organs: PartyPool<PublicBody>
  readonly units: PartyPool<PublicBody>
}

function createItemReader(positions: ColumnPositions<PortalItemColumn>): RowReader<PortalItem> {
  const pool = new TextPool()
  const parties = { organs: createBodyPool(pool), units: createBodyPool(pool) }
  return (fields, position) => readRow(() => toItem(new RowFields(fields, positions), { position, pool, ...parties }))
}

function toItem(row: RowFields<PortalItemColumn>, { position, pool, organs, units }: ItemContext): PortalItem {
  const detail = row.masked('Descrição Complementar Item Compra')
  return {
    ...position,
    organ: organs.of(row.required('Código Órgão'), row.text('Nome Órgão')),
    unit: units.of(row.required('Código UG'), row.text('Nome UG')),
    contractNumber: detach(maskCpfs(row.required('Número Contrato'))),
    code: detach(row.required('Código Item Compra')),
    description: pool.share(row.masked('Descrição Item Compra')),
    detail: detail === NOTHING ? '' : detail,
    quantity: row.quantity('Quantidade Item'),
    unitPrice: row.amount('Valor Item'),
    supplier: null,
  }
}
