import { parseIsoDate, type CivilDate } from '../values/civil-date.ts'
import { parseDecimalMoney, type Money } from '../values/money.ts'
import type { LimitPurpose, ProcurementLaw } from './legal-basis.ts'

interface Limit {
  readonly from: CivilDate
  readonly amounts: Readonly<Record<LimitPurpose, Money>>
}

const LIMITS: Readonly<Record<ProcurementLaw, readonly Limit[]>> = {
  'lei-8666': [limit('1998-05-28', '8000', '15000'), limit('2018-07-19', '17600', '33000')],
  'lei-14133': [
    limit('2021-04-01', '50000', '100000'),
    limit('2022-01-01', '54020.41', '108040.82'),
    limit('2023-01-01', '57208.33', '114416.65'),
    limit('2024-01-01', '59906.02', '119812.02'),
    limit('2025-01-01', '62725.59', '125451.15'),
    limit('2026-01-01', '65492.11', '130984.20'),
  ],
}

/** When and by which law a purchase was made, as far as it is known. */
export interface LimitQuestion {
  /** `null` where the source does not cite one. */
  readonly law: ProcurementLaw | null
  readonly purpose: LimitPurpose
  readonly year: number
  /** `null` where only the year is known. */
  readonly on: CivilDate | null
}

/**
 * The value below which a direct purchase was allowed. What is not known is read in the buyer's favour: a year
 * without a day takes the limit of its last day, and without a law the newer one, once it could be chosen.
 */
export function directPurchaseLimit({ law, purpose, year, on }: LimitQuestion): Money {
  const day = on ?? lastDayOf(year)
  return limitOn(law ?? (day >= from('lei-14133') ? 'lei-14133' : 'lei-8666'), day).amounts[purpose]
}

/** Before the first limit known the first one holds, and after the last the last. */
function limitOn(law: ProcurementLaw, day: CivilDate): Limit {
  const [first, ...later] = LIMITS[law]
  if (first === undefined) throw new RangeError(`no limits of ${law}`)
  return later.reduce((found, next) => (day >= next.from ? next : found), first)
}

function from(law: ProcurementLaw): CivilDate {
  return limitOn(law, lastDayOf(1)).from
}

function limit(day: string, other: string, works: string): Limit {
  return { from: dateOf(day), amounts: { other: amountOf(other), works: amountOf(works) } }
}

function lastDayOf(year: number): CivilDate {
  return dateOf(`${String(year).padStart(4, '0')}-12-31`)
}

function dateOf(text: string): CivilDate {
  const date = parseIsoDate(text)
  if (date === undefined) throw new RangeError(`no date: ${text}`)
  return date
}

function amountOf(text: string): Money {
  const amount = parseDecimalMoney(text)
  if (amount === undefined) throw new RangeError(`no amount: ${text}`)
  return amount
}
