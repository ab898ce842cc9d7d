import { describe, expect, it } from 'vitest'
import {
  addDays,
  civilDate,
  datePartsOf,
  daysBetween,
  formatBrazilianDate,
  formatIsoDate,
  parseBrazilianDate,
  parseIsoDate,
  weekdayOf,
  WEEKDAYS,
  yearOf,
  type CivilDate,
} from './civil-date.ts'

const iso = (text: string): CivilDate => {
  const date = parseIsoDate(text)
  if (date === undefined) throw new Error(text)
  return date
}

describe('civil date', () => {
  it('agrees with the calendar of the runtime on every day of two centuries', () => {
    const first = iso('1901-01-01')
    const wrong: string[] = []
    for (let offset = 0; offset < 73_414; offset++) {
      const date = addDays(first, offset)
      const reference = new Date(date * 86_400_000)
      const text = reference.toISOString().slice(0, 10)
      const agrees = formatIsoDate(date) === text && weekdayOf(date) === WEEKDAYS[reference.getUTCDay()] && parseIsoDate(text) === date
      if (!agrees) wrong.push(text)
    }
    expect(wrong).toEqual([])
  })

  it('reads and writes the style of the official files', () => {
    const date = parseBrazilianDate('29/02/2024')
    expect(date).toBe(iso('2024-02-29'))
    expect(formatBrazilianDate(iso('2024-02-29'))).toBe('29/02/2024')
  })

  it.each([
    '29/02/2023',
    '31/04/2024',
    '00/01/2024',
    '01/13/2024',
    '1/1/2024',
    '2024-01-01',
    '01/01/24',
    '01-01-2024',
    '01/01/2024 ',
    '',
    'ab/cd/efgh',
    '01/01/0000',
    '+1/01/2024',
  ])('refuses "%s"', (text) => expect(parseBrazilianDate(text)).toBeUndefined())

  it('knows the leap years of centuries', () => {
    expect(civilDate({ year: 1900, month: 2, day: 29 })).toBeUndefined()
    expect(civilDate({ year: 2000, month: 2, day: 29 })).toBeDefined()
  })

  it('counts days in both directions', () => {
    expect(daysBetween(iso('2023-12-30'), iso('2024-01-12'))).toBe(13)
    expect(daysBetween(iso('2024-03-01'), iso('2024-02-28'))).toBe(-2)
  })

  it('gives year and parts, also before 1970', () => {
    expect(yearOf(iso('1969-12-31'))).toBe(1969)
    expect(datePartsOf(iso('1588-07-04'))).toEqual({ year: 1588, month: 7, day: 4 })
  })
})
