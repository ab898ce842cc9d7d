import { addDays, civilDate, datePartsOf, type CivilDate } from './civil-date.ts'

export const NATIONAL_HOLIDAYS = [
  'new-year',
  'good-friday',
  'tiradentes',
  'labour-day',
  'independence',
  'our-lady-of-aparecida',
  'all-souls',
  'republic',
  'black-awareness',
  'christmas',
] as const
export type NationalHoliday = (typeof NATIONAL_HOLIDAYS)[number]

interface FixedHoliday {
  readonly holiday: NationalHoliday
  readonly since: number
}

/** Month and day as `month * 100 + day`; the year from which the law applies, 0 where it is older than any file. */
const FIXED: ReadonlyMap<number, FixedHoliday> = new Map([
  // Lei 662/1949 as amended by Lei 10.607/2002.
  [101, { holiday: 'new-year', since: 0 }],
  [421, { holiday: 'tiradentes', since: 0 }],
  [501, { holiday: 'labour-day', since: 0 }],
  [907, { holiday: 'independence', since: 0 }],
  [1102, { holiday: 'all-souls', since: 0 }],
  [1115, { holiday: 'republic', since: 0 }],
  [1225, { holiday: 'christmas', since: 0 }],
  // Lei 6.802/1980.
  [1012, { holiday: 'our-lady-of-aparecida', since: 1980 }],
  // Lei 14.759/2023, in force from 2024; before, 20 November was a holiday in some states and towns only.
  [1120, { holiday: 'black-awareness', since: 2024 }],
])

/**
 * The national holiday on this date, if any. Good Friday counts, since the federal calendar lists it as a national
 * holiday every year; Carnival, Ash Wednesday and Corpus Christi do not: they are optional days off.
 */
export function nationalHolidayOn(date: CivilDate): NationalHoliday | undefined {
  const { year, month, day } = datePartsOf(date)
  const fixed = FIXED.get(month * 100 + day)
  if (fixed !== undefined) return year >= fixed.since ? fixed.holiday : undefined
  return month === 3 || month === 4 ? goodFriday(year, date) : undefined
}

function goodFriday(year: number, date: CivilDate): NationalHoliday | undefined {
  return date === addDays(easterOf(year), -2) ? 'good-friday' : undefined
}

/** Easter Sunday of the Gregorian calendar, by the method of Meeus, Jones and Butcher. */
export function easterOf(year: number): CivilDate {
  const golden = year % 19
  const century = Math.floor(year / 100)
  const inCentury = year % 100
  const correction = Math.floor((century - Math.floor((century + 8) / 25) + 1) / 3)
  const epact = (19 * golden + century - Math.floor(century / 4) - correction + 15) % 30
  const weekday = (32 + 2 * (century % 4) + 2 * Math.floor(inCentury / 4) - epact - (inCentury % 4)) % 7
  const late = Math.floor((golden + 11 * epact + 22 * weekday) / 451)
  const position = epact + weekday - 7 * late + 114
  const easter = civilDate({ year, month: Math.floor(position / 31), day: (position % 31) + 1 })
  if (easter === undefined) throw new RangeError(`no Easter in year ${year}`)
  return easter
}
