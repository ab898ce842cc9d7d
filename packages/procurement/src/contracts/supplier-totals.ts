import type { SupplierReference } from '../findings/finding-record.ts'
import { formatMoney, type Money } from '../values/money.ts'
import type { ContractFacts, Supplier } from './contract.ts'
import { isIdentified } from './supplier.ts'

export interface SupplierTotal {
  readonly supplier: SupplierReference
  readonly contracts: number
  readonly value: string
}

/** Sums contracts by supplier. Hidden suppliers are left out: nobody knows whether two of them are the same. */
export class SupplierTotals {
  readonly #totals = new Map<string, { readonly supplier: Supplier; contracts: number; value: bigint }>()

  add({ supplier, initialValue }: ContractFacts): void {
    if (!isIdentified(supplier) || initialValue <= 0n) return
    const total = this.#totals.get(supplier.code)
    if (total === undefined) this.#totals.set(supplier.code, { supplier, contracts: 1, value: initialValue })
    else {
      total.contracts++
      total.value += initialValue
    }
  }

  /** The largest, in a fixed order. */
  top(count: number): readonly SupplierTotal[] {
    const sorted = [...this.#totals.entries()].sort(([code, left], [otherCode, right]) =>
      left.value === right.value ? (code < otherCode ? -1 : 1) : left.value > right.value ? -1 : 1,
    )
    return sorted.slice(0, count).map(([, { supplier, contracts, value }]) => ({
      supplier: { kind: supplier.kind, code: supplier.code, name: supplier.name },
      contracts,
      value: formatMoney(value as Money),
    }))
  }
}
