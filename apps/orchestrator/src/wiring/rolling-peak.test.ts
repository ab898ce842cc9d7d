import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { RollingPeak } from './rolling-peak.ts'

describe('a gauge that is read at each scrape', () => {
  it('still shows the peak between two of them, whoever reads first', async () => {
    const clock = new TestClock()
    const peak = new RollingPeak(clock)
    for (const value of [1, 2, 7, 3, 1]) peak.note(value)
    expect([peak.read(1), peak.read(1)]).toEqual([7, 7])
  })

  it('forgets it after a minute, and never shows less than there is', async () => {
    const clock = new TestClock()
    const peak = new RollingPeak(clock)
    peak.note(7)
    await clock.advance(30_000)
    peak.note(4)
    await clock.advance(31_000)
    expect(peak.read(2)).toBe(4)
    await clock.advance(60_000)
    expect(peak.read(2)).toBe(2)
  })

  it('keeps no more than it needs of a falling crowd, and one of a rising one', () => {
    const peak = new RollingPeak(new TestClock())
    for (let value = 0; value < 10_000; value++) peak.note(value)
    expect(peak.read(0)).toBe(9_999)
  })
})
