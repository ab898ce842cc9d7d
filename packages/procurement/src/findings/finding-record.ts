import { formatIsoDate, type CivilDate } from '../values/civil-date.ts'
import type { ContractFacts, PublicBody, Supplier, SupplierKind } from '../contracts/contract.ts'
import type { PricedItem } from '../items/item.ts'
import type { DirectPurchase, PurchaseShare } from '../purchases/direct-purchase.ts'
import { formatMoney } from '../values/money.ts'
import { formatQuantity } from '../values/quantity.ts'
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

/** An item whose price stands out. `value` is the price of one. */
export interface ItemRecord {
  readonly kind: 'item'
  readonly key: string
  readonly number: string
  readonly file: string
  readonly line: number
  readonly unit: PublicBody
  readonly description: string
  readonly quantity: string
  readonly supplier: SupplierReference | null
  readonly value: string
  readonly facts: FindingValues
}

/** A direct purchase that stands out, alone or with others. */
export interface PurchaseRecord {
  readonly kind: 'purchase'
  readonly key: string
  readonly number: string
  readonly file: string
  readonly line: number
  readonly unit: PublicBody
  readonly supplier: SupplierReference | null
  readonly value: string
  readonly on: string | null
  readonly facts: FindingValues
}

export type FindingRecord = ContractRecord | BuyerRecord | ItemRecord | PurchaseRecord

/**
 * What makes two records the same: where the row stands, since numbers of contracts are not unique. A direct purchase that is a contract of the Portal
 * stands in the same row; an item stands in a file of its own, and a buying unit in none.
 */
export function recordIdentity(record: FindingRecord): string {
  return record.kind === 'buyer' ? `buyer ${record.key}` : `${record.file}:${record.line}`
}

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

export function toItemRecord(item: PricedItem, facts: FindingValues): ItemRecord {
  const { contractNumber, code, file, line, unit, description, quantity, supplier, unitPrice } = item
  return {
    kind: 'item',
    key: `${unit.code}/${contractNumber}/${code}`,
    number: contractNumber,
    file,
    line,
    unit,
    description,
    quantity: formatQuantity(quantity),
    supplier: supplier === null ? null : toSupplierReference(supplier),
    value: formatMoney(unitPrice),
    facts,
  }
}

/** With one of its suppliers and what this one delivers, or as a whole. */
export function toPurchaseRecord(purchase: DirectPurchase, share: PurchaseShare | null, facts: FindingValues): PurchaseRecord {
  const { number, file, line, unit, value, on } = purchase
  return {
    kind: 'purchase',
    key: `${unit.code}/${number}`,
    number,
    file,
    line,
    unit,
    supplier: share === null ? null : toSupplierReference(share.supplier),
    value: formatMoney(share?.value ?? value),
    on: toIso(on),
    facts,
  }
}

export function toSupplierReference(supplier: Supplier): SupplierReference {
  return { kind: supplier.kind, code: supplier.code, name: supplier.name }
}

function toIso(date: CivilDate | null): string | null {
  return date === null ? null : formatIsoDate(date)
}
