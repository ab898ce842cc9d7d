import type { PublicBody, RowPosition, Supplier } from '../contracts/contract.ts'
import type { CivilDate } from '../values/civil-date.ts'
import type { Money } from '../values/money.ts'

/** One row of `compras.csv`: a purchase of a federal institute, before it is known who supplies it. */
export interface InstitutePurchase extends RowPosition {
  readonly id: string
  /** `00002/2016`. */
  readonly number: string
  readonly year: number
  readonly unit: PublicBody
  readonly modality: string
  /** The article that the buyer cites, as written. */
  readonly legalBasis: string
  readonly subject: string
  readonly situation: string
  readonly estimatedValue: Money | null
  readonly awardedValue: Money | null
  readonly publishedOn: CivilDate | null
}

/** One row of `contratos.csv`: what a purchase led to, with whom. */
export interface InstituteContract extends RowPosition {
  readonly id: string
  /** `null` for contracts that follow from no purchase in the system. */
  readonly purchaseId: string | null
  readonly number: string
  readonly kind: string
  readonly modality: string
  readonly originUnitCode: string
  /** `null` where the file does not say who bought. */
  readonly purchasingUnitCode: string | null
  readonly supplier: Supplier
  readonly value: Money
  readonly instalment: Money
  readonly startsOn: CivilDate | null
  readonly endsOn: CivilDate | null
}
