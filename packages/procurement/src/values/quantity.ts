import { formatMoney, parseMoney, type Money } from './money.ts'

declare const quantityBrand: unique symbol

/** How many of an item, exact, as an integer count of ten-thousandths: some files count in kilograms and hours. */
export type Quantity = bigint & { readonly [quantityBrand]: true }

const UNITS = 10_000n

/** Quantities are written as amounts are: `60`, `60,00`, `1.200,50`. `undefined` for anything else. */
export function parseQuantity(text: string): Quantity | undefined {
  return parseMoney(text) as bigint | undefined as Quantity | undefined
}

/** A plain decimal without needless zeros: `60`, `0.5`. */
export function formatQuantity(quantity: Quantity): string {
  return formatMoney(quantity as bigint as Money).replace(/\.?0+$/, '')
}

/** Exactly one: of such items the price is often that of the whole lot. */
export function isSingle(quantity: Quantity): boolean {
  return quantity === UNITS
}
