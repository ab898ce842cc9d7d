import type { Contract, PublicBody, RowPosition, Supplier } from './contract.ts'
import { createBodyPool, createSupplierPool, type PartyPool } from './party-pool.ts'
import { maskCpfs } from '../values/identifiers.ts'
import type { ColumnPositions } from '../table/header.ts'
import { readRow, RowFields } from '../table/row-fields.ts'
import type { RowReader, TableSpec } from '../table/table.ts'
import { detach, TextPool } from '../table/text-pool.ts'

const COLUMNS = [
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
  'Modalidade Compra Licitação',
] as const
export type ContractColumn = (typeof COLUMNS)[number]

/** `AAAAMM_Compras.csv` of the Portal da Transparência. */
export const PORTAL_CONTRACTS: TableSpec<ContractColumn, Contract> = {
  files: { pattern: /^(?:\d{6}_)?Compras\.csv$/i, example: '202401_Compras.csv' },
  dialect: { encoding: 'iso-8859-1', delimiter: ';' },
  columns: COLUMNS,
  createRowReader: (positions) => createContractReader(positions),
}

function createContractReader(positions: ColumnPositions<ContractColumn>): RowReader<Contract> {
  const pool = new TextPool()
  const parties: ContractParties = {
    superiorOrgans: createBodyPool(pool),
    organs: createBodyPool(pool),
    units: createBodyPool(pool),
    suppliers: createSupplierPool(),
  }
  return (fields, position) => {
    const row = new RowFields(fields, positions)
    return readRow(() => toContract(row, { position, pool, parties }))
  }
}

interface ContractParties {
  readonly superiorOrgans: PartyPool<PublicBody>
  readonly organs: PartyPool<PublicBody>
  readonly units: PartyPool<PublicBody>
  readonly suppliers: PartyPool<Supplier>
}

interface ContractContext {
  readonly position: RowPosition
  readonly pool: TextPool
  readonly parties: ContractParties
}

function toContract(row: RowFields<ContractColumn>, { position, pool, parties }: ContractContext): Contract {
  return {
    ...position,
    number: detach(maskCpfs(row.required('Número do Contrato'))),
    object: row.masked('Objeto'),
    modality: pool.share(row.text('Modalidade Compra')),
    legalBasis: pool.share(row.masked('Fundamento Legal')),
    situation: pool.share(row.text('Situação Contrato')),
    superiorOrgan: parties.superiorOrgans.of(row.required('Código Órgão Superior'), row.text('Nome Órgão Superior')),
    organ: parties.organs.of(row.required('Código Órgão'), row.text('Nome Órgão')),
    unit: parties.units.of(row.required('Código UG'), row.text('Nome UG')),
    signedOn: row.date('Data Assinatura Contrato'),
    publishedOn: row.date('Data Publicação DOU'),
    startsOn: row.date('Data Início Vigência'),
    endsOn: row.date('Data Fim Vigência'),
    supplier: parties.suppliers.of(row.text('Código Contratado'), row.text('Nome Contratado')),
    initialValue: row.amount('Valor Inicial Compra'),
    finalValue: row.amount('Valor Final Compra'),
    biddingNumber: row.masked('Número Licitação'),
    biddingUnitCode: pool.share(row.text('Código UG Licitação')),
    biddingModality: pool.share(row.text('Modalidade Compra Licitação')),
  }
}
