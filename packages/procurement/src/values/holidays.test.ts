import { describe, expect, it } from 'vitest'
import { formatIsoDate, parseIsoDate } from './civil-date.ts'
import { easterOf, nationalHolidayOn } from './holidays.ts'

const holidayOn = (text: string): string | undefined => {
  const date = parseIsoDate(text)
  return date === undefined ? 'no date' : nationalHolidayOn(date)
}

describe('national holidays', () => {
  it.each([
    ['2024-01-01', 'new-year'],
    ['2024-03-29', 'good-friday'],
    ['2024-04-21', 'tiradentes'],
    ['2024-05-01', 'labour-day'],
    ['2024-09-07', 'independence'],
    ['2024-10-12', 'our-lady-of-aparecida'],
    ['2024-11-02', 'all-souls'],
    ['2024-11-15', 'republic'],
    ['2024-12-25', 'christmas'],
  ])('%s is one', (text, holiday) => expect(holidayOn(text)).toBe(holiday))

  it('20 November is national from 2024 on, and was not in 2023', () => {
    expect(holidayOn('2024-11-20')).toBe('black-awareness')
    expect(holidayOn('2023-11-20')).toBeUndefined()
  })

  it.each(['2024-02-13', '2024-02-14', '2024-05-30', '2024-03-31', '2024-12-24'])(
    '%s is none: Carnival, Ash Wednesday, Corpus Christi, Easter, Christmas Eve',
    (text) => expect(holidayOn(text)).toBeUndefined(),
  )

  it.each([
    [1961, '1961-04-02'],
    [2000, '2000-04-23'],
    [2008, '2008-03-23'],
    [2019, '2019-04-21'],
    [2024, '2024-03-31'],
    [2038, '2038-04-25'],
  ])('Easter of %i is %s', (year, text) => expect(formatIsoDate(easterOf(year))).toBe(text))
})
