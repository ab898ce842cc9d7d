import type { ContractFacts, PublicBody, RowPosition, Supplier } from '../contracts/contract.ts'
import { yearOf, type CivilDate } from '../values/civil-date.ts'
import type { Money } from '../values/money.ts'
import { lowValueBasis, type LimitPurpose, type ProcurementLaw } from './legal-basis.ts'
import type { InstituteContract, InstitutePurchase } from './purchase.ts'

/** What one supplier delivers of a purchase. */
export interface PurchaseShare {
  readonly supplier: Supplier
  readonly value: Money
}

/** A purchase made without tender because its value is low. */
export interface DirectPurchase extends RowPosition {
  readonly number: string
  readonly unit: PublicBody
  readonly year: number
  /** `null` where only the year is known. */
  readonly on: CivilDate | null
  readonly purpose: LimitPurpose
  /** `null` where the source cites none: then `purpose` too is supposed. */
  readonly law: ProcurementLaw | null
  readonly value: Money
  /** Empty where nobody is known to supply it. */
  readonly shares: readonly PurchaseShare[]
}

const PORTAL_DIRECT = 'Dispensa de Licitação'
const INSTITUTE_DIRECT = 'Dispensa'

/**
 * A contract of the Portal as a direct purchase, or `undefined` where it is none. The Portal's files leave the legal
 * basis of direct purchases empty, so art. 75, II is supposed; where one is cited, only items I and II count.
 */
export function directPurchaseOfContract(contract: ContractFacts): DirectPurchase | undefined {
  const { file, row, line, number, unit, supplier, signedOn, initialValue, legalBasis } = contract
  if (contract.modality !== PORTAL_DIRECT || signedOn === null || initialValue <= 0n) return undefined
  const basis = legalBasis === '' ? { law: null, purpose: 'other' as const } : lowValueBasis(legalBasis)
  if (basis === undefined) return undefined
  const shares = [{ supplier, value: initialValue }]
  return { file, row, line, number, unit, year: yearOf(signedOn), on: signedOn, ...basis, value: initialValue, shares }
}

/**
 * The purchases of an institute that cite a low-value basis, with what their contracts say of the suppliers. The
 * value is the estimate, which is what the buyer compared with the limit; the award where no estimate is stated.
 */
export function* directPurchasesOfInstitute(
  purchases: Iterable<InstitutePurchase>,
  contracts: Iterable<InstituteContract>,
): Generator<DirectPurchase, void> {
  const shares = sharesByPurchase(contracts)
  for (const purchase of purchases) {
    const { file, row, line, number, unit, year, publishedOn, estimatedValue, awardedValue } = purchase
    const basis = purchase.modality === INSTITUTE_DIRECT ? lowValueBasis(purchase.legalBasis) : undefined
    const value = estimatedValue ?? awardedValue
    if (basis === undefined || value === null || value <= 0n) continue
    // The number's year is that of the budget; publication may come later and is no day of purchase then.
    const on = publishedOn !== null && yearOf(publishedOn) === year ? publishedOn : null
    yield { file, row, line, number, unit, year, on, ...basis, value, shares: shares.get(purchase.id) ?? [] }
  }
}

/** One share a supplier: one purchase may lead to several commitments with the same one. */
function sharesByPurchase(contracts: Iterable<InstituteContract>): ReadonlyMap<string, readonly PurchaseShare[]> {
  const byPurchase = new Map<string, Map<string, PurchaseShare>>()
  for (const { purchaseId, supplier, value } of contracts) {
    if (purchaseId === null) continue
    const shares = byPurchase.get(purchaseId) ?? new Map<string, PurchaseShare>()
    byPurchase.set(purchaseId, shares)
    const before = shares.get(supplier.code)?.value ?? 0n
    shares.set(supplier.code, { supplier, value: (before + value) as Money })
  }
  return new Map([...byPurchase].map(([id, shares]) => [id, [...shares.values()]]))
}
