declare const moneyBrand: unique symbol

/**
 * An amount in Brazilian reais, exact, as an integer count of ten-thousandths (the Portal prints four decimals).
 * It is a bigint at run time: it adds and compares as one, survives structured clone, and is never a float.
 */
export type Money = bigint & { readonly [moneyBrand]: true }

const UNITS_PER_REAL = 10_000n
const DECIMALS = 4
/** Fifteen integer digits and four decimals stay inside 64 bits, which the compact indexes rely on. */
const MAX_INTEGER_DIGITS = 14
const BRAZILIAN = /^(-?)(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+))?$/
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/

export const ZERO: Money = 0n as Money

/**
 * Reads the styles of the official files: `5552584000,0000`, `8044,26`, `61.233,20`, `-12,5`, `0`.
 * Returns `undefined` for anything else, also for what four decimals cannot hold exactly.
 */
export function parseMoney(text: string): Money | undefined {
  const match = BRAZILIAN.exec(text)
  return match === null ? undefined : fromParts(match[1] ?? '', (match[2] ?? '').replaceAll('.', ''), match[3] ?? '')
}

/** Reads what `formatMoney` writes (`9222273688.82`); `undefined` for anything else. */
export function parseDecimalMoney(text: string): Money | undefined {
  const match = DECIMAL.exec(text)
  return match === null ? undefined : fromParts(match[1] ?? '', match[2] ?? '', match[3] ?? '')
}

function fromParts(sign: string, integer: string, fraction: string): Money | undefined {
  const decimals = fraction.length > DECIMALS ? fraction.replace(/0+$/, '') : fraction
  if (decimals.length > DECIMALS) return undefined
  const digits = integer + decimals.padEnd(DECIMALS, '0')
  if (digits.length > MAX_INTEGER_DIGITS + DECIMALS && digits.replace(/^0+/, '').length > MAX_INTEGER_DIGITS + DECIMALS) return undefined
  const amount = BigInt(digits)
  return (sign === '-' ? -amount : amount) as Money
}

/** Whole reais, for thresholds written in code. */
export function reais(amount: number): Money {
  return (BigInt(amount) * UNITS_PER_REAL) as Money
}

export function addMoney(left: Money, right: Money): Money {
  return (left + right) as Money
}

/** Negative, zero or positive, as `Array.sort` wants it. */
export function compareMoney(left: Money, right: Money): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** A plain decimal with at least two digits after the point and no more than needed: `8044.26`, `0.0005`, `-3.00`. */
export function formatMoney(money: Money): string {
  const amount: bigint = money
  const magnitude = amount < 0n ? -amount : amount
  const fraction = (magnitude % UNITS_PER_REAL)
    .toString()
    .padStart(DECIMALS, '0')
    .replace(/0{1,2}$/, '')
  return `${money < 0n ? '-' : ''}${(magnitude / UNITS_PER_REAL).toString()}.${fraction}`
}

/** How people read it: `R$ 9,222,273,688.82` in English, `R$ 9.222.273.688,82` in Portuguese. */
export function displayMoney(money: Money, language: 'en' | 'pt'): string {
  const [integer = '0', fraction = '00'] = formatMoney(money).replace('-', '').split('.')
  const [thousands, point] = language === 'pt' ? ['.', ','] : [',', '.']
  const grouped = integer.replace(/\B(?=(\d{3})+$)/g, thousands)
  return `${money < 0n ? '-' : ''}R$ ${grouped}${point}${fraction}`
}

/** `numerator / denominator` cut after `decimals` digits, computed on integers; the denominator must not be zero. */
export function ratioOf(numerator: bigint, denominator: bigint, decimals = 6): number {
  const scale = 10n ** BigInt(decimals)
  return Number((numerator * scale) / denominator) / Number(scale)
}

/** The first digit, 1 to 9, and the first two, 10 to 99, of a positive amount. */
export function leadingDigits(money: Money): { readonly first: number; readonly firstTwo: number } {
  const digits = money.toString()
  const first = digits.charCodeAt(0) - 48
  return { first, firstTwo: first * 10 + (digits.length > 1 ? digits.charCodeAt(1) - 48 : 0) }
}
