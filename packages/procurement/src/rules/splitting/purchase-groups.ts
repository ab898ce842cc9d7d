import { isIdentified } from '../../contracts/supplier.ts'
import type { DirectPurchase, PurchaseShare } from '../../purchases/direct-purchase.ts'
import type { Money } from '../../values/money.ts'

/** Length of the part of a CNPJ that names the company, whatever the branch. */
const CNPJ_ROOT = 8

export interface GroupedPurchase {
  readonly purchase: DirectPurchase
  readonly share: PurchaseShare
  readonly limit: Money
}

/** Purchases of one unit from one company in one year, each below its limit. */
export interface PurchaseGroup {
  readonly members: readonly GroupedPurchase[]
  readonly total: Money
  /** The largest limit of any member: in doubt for the buyer. */
  readonly limit: Money
}

/** Collects purchases by year, unit, purpose and root of the supplier's CNPJ, and tells which add up to a limit. */
export class PurchaseGroups {
  readonly #groups = new Map<string, GroupedPurchase[]>()

  add(purchase: DirectPurchase, limit: Money): void {
    for (const share of purchase.shares) {
      if (share.value <= 0n || share.value >= limit || !isIdentified(share.supplier)) continue
      const key = JSON.stringify([purchase.year, purchase.unit.code, purchase.purpose, companyOf(share)])
      const group = this.#groups.get(key)
      if (group === undefined) this.#groups.set(key, [{ purchase, share, limit }])
      else group.push({ purchase, share, limit })
    }
  }

  /** Groups of two or more that add up to the limit or more, the largest multiple of it first. */
  reachingLimit(): readonly PurchaseGroup[] {
    const groups = [...this.#groups.values()].filter((members) => members.length >= 2).map(toGroup)
    return groups.filter(({ total, limit }) => total >= limit).sort((left, right) => byMultiple(left, right))
  }
}

/** Branches of one company share the root of their CNPJ. */
function companyOf({ supplier }: PurchaseShare): string {
  return supplier.kind === 'cnpj' ? supplier.code.slice(0, CNPJ_ROOT) : `${supplier.kind}:${supplier.code}:${supplier.name}`
}

function toGroup(members: readonly GroupedPurchase[]): PurchaseGroup {
  const total = members.reduce((sum, { share }) => sum + share.value, 0n) as Money
  const limit = members.reduce((largest, member) => (member.limit > largest ? member.limit : largest), 0n as Money)
  return { members, total, limit }
}

function byMultiple(left: PurchaseGroup, right: PurchaseGroup): number {
  const [one, other] = [left.total * right.limit, right.total * left.limit]
  return one === other ? 0 : one > other ? -1 : 1
}
