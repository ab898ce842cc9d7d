import { directPurchaseLimit } from '../purchases/legal-limits.ts'
import { addDays, civilDate, weekdayOf, yearOf, type CivilDate } from '../values/civil-date.ts'
import { nationalHolidayOn } from '../values/holidays.ts'
import { cnpjCheckDigits } from '../values/identifiers.ts'
import { reais, type Money } from '../values/money.ts'
import { concentratedUnit, SPLIT_PURCHASES, type Planting } from './planting.ts'
import type { ResolvedSyntheticOptions } from './synthetic-options.ts'

export interface SyntheticRow {
  readonly number: string
  readonly modality: readonly [code: string, name: string]
  readonly superiorOrgan: readonly [code: string, name: string]
  readonly unit: readonly [code: string, name: string]
  readonly signedOn: CivilDate
  readonly publishedOn: CivilDate
  readonly supplier: readonly [code: string, name: string]
  readonly initialValue: Money
  readonly finalValue: Money
}

const ORGANS: readonly (readonly [string, string])[] = [
  ['36000', 'Ministério da Saúde (SINTÉTICO)'],
  ['26000', 'Ministério da Educação (SINTÉTICO)'],
  ['52000', 'Ministério da Defesa (SINTÉTICO)'],
]
const TENDER = ['5', 'Pregão'] as const
const DIRECT = ['6', 'Dispensa de Licitação'] as const
const SUPPLIERS = 60
const MAX_UNITS = 400
const CONTRACTS_PER_UNIT = 25
/** Steps by the golden ratio fill the interval evenly, so the amounts follow Benford's law closely at any length. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * Rows that no rule remarks, each computed from its index alone, so that any number of them can be streamed: units
 * buy from many suppliers at values within one order of magnitude; no two rows share unit, supplier and value; dates
 * of signature are working days shortly before publication.
 */
export class RowFactory {
  readonly #units: number
  readonly #offset: number
  readonly #year: number
  readonly #firstDay: CivilDate

  constructor({ contracts, seed, year, month }: ResolvedSyntheticOptions) {
    this.#units = Math.min(MAX_UNITS, Math.max(1, Math.floor(contracts / CONTRACTS_PER_UNIT)))
    this.#offset = (seed * GOLDEN) % 1
    this.#year = year
    const firstDay = civilDate({ year, month, day: 1 })
    if (firstDay === undefined) throw new RangeError(`no month ${month} in ${year}`)
    this.#firstDay = firstDay
  }

  ordinary(index: number): SyntheticRow {
    const unit = index % this.#units
    const supplier = Math.floor(index / this.#units) % SUPPLIERS
    const cycle = Math.floor(index / (this.#units * SUPPLIERS))
    const publishedOn = addDays(this.#firstDay, (index * 7) % 28)
    const initialValue = (reais(this.#wholeReais(index, unit)) + BigInt(1 + (cycle % 9_998))) as Money
    return {
      number: this.#numberOf(index),
      modality: TENDER,
      superiorOrgan: ORGANS[unit % ORGANS.length] ?? ['36000', 'SINTÉTICO'],
      unit: [String(800_000 + unit), `UNIDADE SINTÉTICA ${unit + 1}`],
      signedOn: workingDayUpTo(addDays(publishedOn, -1 - ((index * 11) % 20))),
      publishedOn,
      supplier: supplierOf(supplier),
      initialValue,
      finalValue: initialValue,
    }
  }

  planted(index: number, planting: Planting): SyntheticRow {
    const row = this.ordinary(index)
    switch (planting.rule) {
      case 'supplier-concentration':
        return concentrated(row, planting)
      case 'threshold-splitting':
        return bought(row, { ...planting, from: this.#firstDay })
      case 'duplicate-contract':
        return { ...this.ordinary(planting.original), number: row.number }
      case 'amendment-growth':
        return { ...row, finalValue: (row.initialValue * 2n) as Money }
      case 'late-publication':
        return { ...row, signedOn: workingDayUpTo(addDays(row.publishedOn, -60 - planting.anomaly)) }
      case 'round-value':
        return withValue(row, reais(Number(row.initialValue / reais(1_000)) * 1_000))
      case 'calendar':
        return { ...row, signedOn: weekendBefore(row.publishedOn, planting.anomaly) }
      case 'invalid-identifier':
        return {
          ...row,
          supplier: [`${companyRoot(planting.anomaly + SUPPLIERS)}00`, `FORNECEDOR SINTÉTICO COM CNPJ INVÁLIDO ${planting.anomaly + 1}`],
        }
      case 'benford-first-two':
        return withValue(row, (scaleOf(row.initialValue) * 76n + (row.initialValue % scaleOf(row.initialValue))) as Money)
    }
  }

  #wholeReais(index: number, unit: number): number {
    const mantissa = (this.#offset + index * GOLDEN) % 1
    return Math.floor(10 ** (4 + (unit % 3) + mantissa))
  }

  #numberOf(index: number): string {
    return `${String((index % 99_999) + 1).padStart(5, '0')}${this.#year}`
  }
}

function withValue(row: SyntheticRow, value: Money): SyntheticRow {
  return { ...row, initialValue: value, finalValue: value }
}

/** Two suppliers in one unit give an index of 5,000 at least, whatever their values. */
function concentrated(row: SyntheticRow, { anomaly, serial }: { readonly anomaly: number; readonly serial: number }): SyntheticRow {
  const whole = row.initialValue - (row.initialValue % reais(1))
  return {
    ...withValue(row, (whole + BigInt(serial + 1)) as Money),
    unit: [concentratedUnit(anomaly), `UNIDADE SINTÉTICA CONCENTRADA ${anomaly + 1}`],
    supplier: supplierOf(serial === 0 ? 1 : 2),
  }
}

interface SplitPlace {
  readonly anomaly: number
  readonly serial: number
  /** First day of the month of publication. */
  readonly from: CivilDate
}

/** Direct purchases of 41, 49 and 57 % of the limit by one unit, and of 41 and 49 % by another, from one company each. */
function bought(row: SyntheticRow, { anomaly, serial, from }: SplitPlace): SyntheticRow {
  const isSplit = serial < SPLIT_PURCHASES
  const place = serial % SPLIT_PURCHASES
  // In the second half of the month, so that all are signed in one year and published within days.
  const signedOn = workingDayUpTo(addDays(from, 14 + place))
  const limit = directPurchaseLimit({ law: null, purpose: 'other', year: yearOf(signedOn), on: signedOn })
  const share = (limit * BigInt(41 + place * 8)) / 100n
  return {
    ...withValue(row, (share - (share % reais(1)) + BigInt(anomaly * 10 + serial + 1)) as Money),
    modality: DIRECT,
    unit: isSplit
      ? [String(910_000 + anomaly), `UNIDADE SINTÉTICA COM FRACIONAMENTO ${anomaly + 1}`]
      : [String(920_000 + anomaly), `UNIDADE SINTÉTICA COM DISPENSAS ${anomaly + 1}`],
    supplier: supplierOf(isSplit ? 3 : 4),
    signedOn,
    publishedOn: addDays(from, 27),
  }
}

/** Every tenth supplier is a person, masked as the Portal masks them. */
function supplierOf(index: number): readonly [string, string] {
  const label = String(index + 1).padStart(3, '0')
  if (index % 10 === 9) return [`***.000.${label}-**`, `PESSOA SINTÉTICA ${label}`]
  return [company(index), `FORNECEDOR SINTÉTICO ${label}`]
}

/** Roots from 99.900.000 on are not in use, so no real company is named. */
function company(index: number): string {
  const root = companyRoot(index)
  return `${root}${cnpjCheckDigits(root)}`
}

function companyRoot(index: number): string {
  return `${99_900_000 + index * 17}0001`
}

/** The power of ten that leaves two digits in front. */
function scaleOf(value: Money): bigint {
  return 10n ** BigInt(value.toString().length - 2)
}

function workingDayUpTo(date: CivilDate): CivilDate {
  let day = date
  while (isDayOff(day)) day = addDays(day, -1)
  return day
}

function isDayOff(date: CivilDate): boolean {
  const weekday = weekdayOf(date)
  return weekday === 'saturday' || weekday === 'sunday' || nationalHolidayOn(date) !== undefined
}

function weekendBefore(date: CivilDate, serial: number): CivilDate {
  const wanted = serial % 2 === 0 ? 'saturday' : 'sunday'
  let day = addDays(date, -1)
  while (weekdayOf(day) !== wanted) day = addDays(day, -1)
  return day
}
