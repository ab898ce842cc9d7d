import type { RowPosition, Supplier } from '../contracts/contract.ts'
import { createSupplierPool, type PartyPool } from '../contracts/party-pool.ts'
import type { ColumnPositions } from '../table/header.ts'
import { readRow, RowFields } from '../table/row-fields.ts'
import type { RowReader, TableSpec } from '../table/table.ts'
import { detach, TextPool } from '../table/text-pool.ts'
import type { InstituteContract } from './purchase.ts'

const COLUMNS = [
  'id_contrato',
  'id_compra',
  'numero',
  'origem_uasg',
  'tipo',
  'modalidade',
  'unidade_compra',
  'fornecedor_cnpj',
  'fornecedor_nome',
  'valor_global',
  'valor_parcela',
  'vigencia_inicio',
  'vigencia_fim',
] as const
export type InstituteContractColumn = (typeof COLUMNS)[number]

/** `contratos.csv`: contracts and commitments of a federal institute, as exported from Contratos.gov.br. */
export const INSTITUTE_CONTRACTS: TableSpec<InstituteContractColumn, InstituteContract> = {
  files: { pattern: /^contratos\.csv$/i, example: 'contratos.csv' },
  dialect: { encoding: 'utf-8', delimiter: ';' },
  columns: COLUMNS,
  createRowReader: (positions) => createInstituteContractReader(positions),
}

function createInstituteContractReader(positions: ColumnPositions<InstituteContractColumn>): RowReader<InstituteContract> {
  const pool = new TextPool()
  const suppliers = createSupplierPool()
  return (fields, position) => readRow(() => toInstituteContract(new RowFields(fields, positions), { position, pool, suppliers }))
}

interface InstituteContractContext {
  readonly position: RowPosition
  readonly pool: TextPool
  readonly suppliers: PartyPool<Supplier>
}

function toInstituteContract(row: RowFields<InstituteContractColumn>, context: InstituteContractContext): InstituteContract {
  const { position, pool, suppliers } = context
  return {
    ...position,
    id: detach(row.required('id_contrato')),
    purchaseId: textOrNull(row.text('id_compra')),
    number: detach(row.required('numero')),
    kind: pool.share(row.text('tipo')),
    modality: pool.share(row.text('modalidade')),
    originUnitCode: pool.share(row.required('origem_uasg')),
    purchasingUnitCode: textOrNull(row.text('unidade_compra')),
    supplier: suppliers.of(row.text('fornecedor_cnpj'), row.text('fornecedor_nome')),
    value: row.amount('valor_global'),
    instalment: row.amount('valor_parcela'),
    startsOn: row.date('vigencia_inicio'),
    endsOn: row.date('vigencia_fim'),
  }
}

function textOrNull(text: string): string | null {
  return text === '' ? null : detach(text)
}
