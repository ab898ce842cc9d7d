declare const civilDateBrand: unique symbol

/**
 * A calendar date without time or time zone, as days since 1970-01-01 (negative before).
 * It is a plain integer at run time, so subtraction gives days and comparison gives order.
 */
export type CivilDate = number & { readonly [civilDateBrand]: true }

export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const
export type Weekday = (typeof WEEKDAYS)[number]

export interface DateParts {
  readonly year: number
  readonly month: number
  readonly day: number
}

const DAYS_PER_ERA = 146_097
const DAYS_TO_EPOCH = 719_468
const BRAZILIAN = /^(\d{2})\/(\d{2})\/(\d{4})$/
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/

/** Reads `dd/mm/yyyy` strictly; `undefined` for another style and for days that no calendar has. */
export function parseBrazilianDate(text: string): CivilDate | undefined {
  const match = BRAZILIAN.exec(text)
  return match === null ? undefined : civilDate({ day: Number(match[1]), month: Number(match[2]), year: Number(match[3]) })
}

/** Reads `yyyy-mm-dd`; `undefined` for anything else. */
export function parseIsoDate(text: string): CivilDate | undefined {
  const match = ISO.exec(text)
  return match === null ? undefined : civilDate({ year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) })
}

/** The date with these parts, or `undefined` where there is none (31 April, 29 February 2023, year 0). */
export function civilDate(parts: DateParts): CivilDate | undefined {
  const { year, month, day } = parts
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  return toDays(parts) as CivilDate
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
}

/** Years are counted from 1 March, so that the leap day is the last of its year. */
function toDays({ year, month, day }: DateParts): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - DAYS_TO_EPOCH
}

export function datePartsOf(date: CivilDate): DateParts {
  const days = date + DAYS_TO_EPOCH
  const era = Math.floor(days / DAYS_PER_ERA)
  const dayOfEra = days - era * DAYS_PER_ERA
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

export function yearOf(date: CivilDate): number {
  return datePartsOf(date).year
}

/** `yyyy-mm-dd`, as findings print it. */
export function formatIsoDate(date: CivilDate): string {
  const { year, month, day } = datePartsOf(date)
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** `dd/mm/yyyy`, as the official files print it. */
export function formatBrazilianDate(date: CivilDate): string {
  const { year, month, day } = datePartsOf(date)
  return `${String(day).padStart(2, '0')}/${String(month).padStart(2, '0')}/${String(year).padStart(4, '0')}`
}

export function weekdayOf(date: CivilDate): Weekday {
  // 1970-01-01 was a Thursday.
  return WEEKDAYS[(((date + 4) % 7) + 7) % 7] ?? 'sunday'
}

export function addDays(date: CivilDate, days: number): CivilDate {
  return (date + days) as CivilDate
}

/** Days from `earlier` to `later`; negative when they are the other way round. */
export function daysBetween(earlier: CivilDate, later: CivilDate): number {
  return later - earlier
}
