import type { PublicBody, RowPosition, Supplier } from '../contracts/contract.ts'
import type { Money } from '../values/money.ts'
import type { Quantity } from '../values/quantity.ts'

/** An item that was bought, or registered to be bought, at a price for one of it. */
export interface PricedItem extends RowPosition {
  /** Of the contract, or of the price register. */
  readonly contractNumber: string
  readonly unit: PublicBody
  readonly code: string
  /** By which items are compared. CPFs masked. */
  readonly description: string
  readonly quantity: Quantity
  /** Of one, not of all. */
  readonly unitPrice: Money
  /** `null` where the source does not name one. */
  readonly supplier: Supplier | null
}

/** One row of `…_ItemCompra.csv`, with every CPF masked. */
export interface PortalItem extends PricedItem {
  readonly organ: PublicBody
  /** What the buyer added to the description; empty where the file says `undefined`. */
  readonly detail: string
  readonly supplier: null
}

/** One row of `atas_itens.csv`: an item of a price register. */
export interface RegisteredItem extends PricedItem {
  readonly purchaseId: string
  readonly modality: string
  readonly supplier: Supplier
}
