import { formatIsoDate, type CivilDate } from '../values/civil-date.ts'
import type { ContractFacts, PublicBody, Supplier, SupplierKind } from '../contracts/contract.ts'
import { formatMoney } from '../values/money.ts'
import type { FindingValues } from './finding.ts'

/** A supplier as findings show it; a person's CPF is masked. */
export interface SupplierReference {
  readonly kind: SupplierKind
  readonly code: string
  readonly name: string
}

/** A contract that stands out, with what is needed to find it again. */
export interface ContractRecord {
  readonly kind: 'contract'
  /** Unit and number; not unique in the official files, so `file` and `line` go with it. */
  readonly key: string
  readonly number: string
  readonly file: string
  readonly line: number
  readonly superiorOrgan: PublicBody
  readonly organ: PublicBody
  readonly unit: PublicBody
  readonly supplier: SupplierReference
  readonly value: string
  readonly signedOn: string | null
  readonly publishedOn: string | null
  /** What the rule found out about this contract. */
  readonly facts: FindingValues
}

/** A buying unit that stands out. */
export interface BuyerRecord {
  readonly kind: 'buyer'
  readonly key: string
  readonly superiorOrgan: PublicBody
  readonly organ: PublicBody
  readonly unit: PublicBody
  readonly value: string
  readonly facts: FindingValues
}

export type FindingRecord = ContractRecord | BuyerRecord

export function toContractRecord(contract: ContractFacts, facts: FindingValues): ContractRecord {
  return {
    kind: 'contract',
    key: `${contract.unit.code}/${contract.number}`,
    number: contract.number,
    file: contract.file,
    line: contract.line,
    superiorOrgan: contract.superiorOrgan,
    organ: contract.organ,
    unit: contract.unit,
    supplier: toSupplierReference(contract.supplier),
    value: formatMoney(contract.initialValue),
    signedOn: toIso(contract.signedOn),
    publishedOn: toIso(contract.publishedOn),
    facts,
  }
}

export function toSupplierReference(supplier: Supplier): SupplierReference {
  return { kind: supplier.kind, code: supplier.code, name: supplier.name }
}

function toIso(date: CivilDate | null): string | null {
  return date === null ? null : formatIsoDate(date)
}
