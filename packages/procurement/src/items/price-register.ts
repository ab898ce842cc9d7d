import type { PublicBody, RowPosition, Supplier } from '../contracts/contract.ts'
import { createBodyPool, createSupplierPool, type PartyPool } from '../contracts/party-pool.ts'
import type { ColumnPositions } from '../table/header.ts'
import { readRow, RowFields } from '../table/row-fields.ts'
import type { RowReader, TableSpec } from '../table/table.ts'
import { detach, TextPool } from '../table/text-pool.ts'
import type { RegisteredItem } from './item.ts'

const COLUMNS = [
  'numero_ata',
  'id_compra',
  'numero_item',
  'modalidade_nome',
  'uasg_codigo',
  'uasg_nome',
  'codigo_item',
  'descricao_item',
  'fornecedor_cnpj',
  'fornecedor_nome',
  'quantidade_homologada_vencedor',
  'valor_unitario',
] as const
export type PriceRegisterColumn = (typeof COLUMNS)[number]

/** `atas_itens.csv`: items of price registers, as federal institutes export them from Compras.gov.br. */
export const PRICE_REGISTER: TableSpec<PriceRegisterColumn, RegisteredItem> = {
  files: { pattern: /^atas_itens\.csv$/i, example: 'atas_itens.csv' },
  dialect: { encoding: 'utf-8', delimiter: ';' },
  columns: COLUMNS,
  createRowReader: (positions) => createRegisterReader(positions),
}

interface RegisterContext {
  readonly position: RowPosition
  readonly pool: TextPool
  readonly units: PartyPool<PublicBody>
  readonly suppliers: PartyPool<Supplier>
}

function createRegisterReader(positions: ColumnPositions<PriceRegisterColumn>): RowReader<RegisteredItem> {
  const pool = new TextPool()
  const parties = { units: createBodyPool(pool), suppliers: createSupplierPool() }
  return (fields, position) => readRow(() => toRegisteredItem(new RowFields(fields, positions), { position, pool, ...parties }))
}

function toRegisteredItem(row: RowFields<PriceRegisterColumn>, { position, pool, units, suppliers }: RegisterContext): RegisteredItem {
  return {
    ...position,
    contractNumber: detach(row.required('numero_ata')),
    purchaseId: detach(row.text('id_compra')),
    modality: pool.share(row.text('modalidade_nome')),
    unit: units.of(row.required('uasg_codigo'), row.text('uasg_nome')),
    code: detach(`${row.text('codigo_item')}/${row.required('numero_item')}`),
    description: pool.share(row.masked('descricao_item')),
    quantity: row.quantity('quantidade_homologada_vencedor'),
    unitPrice: row.amount('valor_unitario'),
    supplier: suppliers.of(row.text('fornecedor_cnpj'), row.text('fornecedor_nome')),
  }
}
