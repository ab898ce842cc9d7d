import { parseBrazilianDate, type CivilDate } from '../values/civil-date.ts'
import type { Contract, PublicBody, RowPosition, Supplier } from './contract.ts'
import { maskCpfs } from '../values/identifiers.ts'
import { parseMoney, type Money } from '../values/money.ts'
import { toSupplier } from './supplier.ts'
import type { ColumnPositions } from '../table/header.ts'
import type { RowProblem } from '../table/rejected-row.ts'
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

/** Ends the reading of one row; never leaves this file. */
class RowRefusal extends Error {
  readonly problem: RowProblem

  constructor(problem: RowProblem) {
    super(problem.detail)
    this.problem = problem
  }
}

function createContractReader(positions: ColumnPositions<ContractColumn>): RowReader<Contract> {
  const pool = new TextPool()
  const createBody = (code: string, name: string): PublicBody => ({ code: pool.share(code), name: pool.share(maskCpfs(name)) })
  const parties: ContractParties = {
    // Levels have pools of their own, since a ministry and its own administration share a code under two names.
    superiorOrgans: new PartyPool(createBody),
    organs: new PartyPool(createBody),
    units: new PartyPool(createBody),
    suppliers: new PartyPool((code, name) => detachSupplier(toSupplier(code, name))),
  }
  return (fields, position) => {
    const row = new ContractFields(fields, positions)
    try {
      return { kind: 'row', row: toContract(row, { position, pool, parties }) }
    } catch (thrown) {
      if (!(thrown instanceof RowRefusal)) throw thrown
      return { kind: 'problem', problem: thrown.problem }
    }
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

function toContract(row: ContractFields, { position, pool, parties }: ContractContext): Contract {
  return {
    ...position,
    number: detach(maskCpfs(row.required('Número do Contrato'))),
    object: maskCpfs(row.text('Objeto')),
    legalBasis: maskCpfs(row.text('Fundamento Legal')),
    modality: pool.share(row.text('Modalidade Compra')),
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
    biddingNumber: maskCpfs(row.text('Número Licitação')),
    biddingUnitCode: pool.share(row.text('Código UG Licitação')),
    biddingModality: pool.share(row.text('Modalidade Compra Licitação')),
  }
}

class ContractFields {
  readonly #fields: readonly string[]
  readonly #positions: ColumnPositions<ContractColumn>

  constructor(fields: readonly string[], positions: ColumnPositions<ContractColumn>) {
    this.#fields = fields
    this.#positions = positions
  }

  text(column: ContractColumn): string {
    return (this.#fields[this.#positions[column]] ?? '').trim()
  }

  required(column: ContractColumn): string {
    const text = this.text(column)
    if (text === '') throw new RowRefusal({ reason: 'missing-value', column, detail: 'empty' })
    return text
  }

  /** Some dates are left empty in the official files, which is no error of the row. */
  date(column: ContractColumn): CivilDate | null {
    const text = this.text(column)
    if (text === '') return null
    const date = parseBrazilianDate(text)
    if (date === undefined) throw new RowRefusal({ reason: 'date', column, detail: `"${text.slice(0, 40)}" is no date dd/mm/yyyy` })
    return date
  }

  amount(column: ContractColumn): Money {
    const text = this.text(column)
    const amount = parseMoney(text)
    if (amount === undefined) throw new RowRefusal({ reason: 'amount', column, detail: `"${text.slice(0, 40)}" is no amount` })
    return amount
  }
}

const MAX_PARTIES = 65_536

/** One object for each body or supplier, however many contracts it has. Bounded, as `TextPool` is. */
class PartyPool<Party> {
  readonly #parties = new Map<string, { readonly name: string; readonly party: Party }>()
  readonly #create: (code: string, name: string) => Party

  constructor(create: (code: string, name: string) => Party) {
    this.#create = create
  }

  of(code: string, name: string): Party {
    const known = this.#parties.get(code)
    if (known?.name === name) return known.party
    if (this.#parties.size >= MAX_PARTIES) this.#parties.clear()
    const party = this.#create(code, name)
    this.#parties.set(detach(code), { name: detach(name), party })
    return party
  }
}

function detachSupplier(supplier: Supplier): Supplier {
  return { ...supplier, code: detach(supplier.code), name: detach(supplier.name) }
}
