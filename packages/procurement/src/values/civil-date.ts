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
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/

const SLASH = 47

/** Reads `dd/mm/yyyy` strictly; `undefined` for another style and for days that no calendar has. */
export function parseBrazilianDate(text: string): CivilDate | undefined {
  // By character, since a file has four dates a row and a regular expression takes three times as long.
  if (text.length !== 10 || text.charCodeAt(2) !== SLASH || text.charCodeAt(5) !== SLASH) return undefined
  const day = digitsAt(text, 0, 2)
  const month = digitsAt(text, 3, 2)
  const year = digitsAt(text, 6, 4)
  return civilDate({ year, month, day })
}

/** NaN where there is anything but a digit, which no part of a date equals or exceeds. */
function digitsAt(text: string, start: number, length: number): number {
  let value = 0
  for (let index = start; index < start + length; index++) {
    const digit = text.charCodeAt(index) - 48
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : Number.NaN
  }
  return value
}

/** Reads `yyyy-mm-dd`; `undefined` for anything else. */
export function parseIsoDate(text: string): CivilDate | undefined {
  const match = ISO.exec(text)
  return match === null ? undefined : civilDate({ year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) })
}

/** The date with these parts, or `undefined` where there is none (31 April, 29 February 2023, year 0). */
export function civilDate(parts: DateParts): CivilDate | undefined {
  const { year, month, day } = parts
  // Written so that NaN fails too.
  const exists = year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
  return exists ? (toDays(parts) as CivilDate) : undefined
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
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
