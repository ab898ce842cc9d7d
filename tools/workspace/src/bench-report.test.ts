import { describe, expect, it } from 'vitest'
import { benchTable, boundRow, ratioRow } from './bench-report.ts'

describe('the bench report', () => {
  it('says of each goal whether it is met', () => {
    expect(ratioRow('read', '2 µs', 0.9, { atLeast: 0.8 })).toMatchObject({ goal: '≥ 0.8', ok: true })
    expect(ratioRow('read', '2 µs', 0.7, { atLeast: 0.8 })).toMatchObject({ ok: false })
    expect(ratioRow('scrape', '2 µs', 1.4, { atMost: 1.5 })).toMatchObject({ goal: '≤ 1.5', ok: true })
    expect(boundRow('start', { value: 6.2, unit: 's' }, 5)).toEqual({
      name: 'start',
      figure: '6.2 s',
      ratio: null,
      goal: '≤ 5 s',
      ok: false,
    })
    expect(boundRow('size', { value: 1_234.5, unit: 'MB' })).toMatchObject({ figure: '1235 MB', goal: null, ok: null })
  })

  it('lines the columns up and shows a missed goal', () => {
    const table = benchTable([boundRow('start', { value: 6, unit: 's' }, 5), ratioRow('a long name', '3 ns', 1.234)])
    expect(table.split('\n')).toEqual([
      'what         measured  ratio  goal',
      'start        6 s              ≤ 5 s  MISSED',
      'a long name  3 ns      1.23',
    ])
  })
})
