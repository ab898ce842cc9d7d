import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { TokenBuckets } from './token-buckets.ts'

function open(overrides: { readonly maxCallers?: number } = {}) {
  const clock = new TestClock()
  return { clock, buckets: new TokenBuckets({ perSecond: 2, burst: 3, maxCallers: 10, clock, ...overrides }) }
}

describe('token buckets', () => {
  it('grant a burst, then refuse and say when to come again, and fill at their rate', async () => {
    const { clock, buckets } = open()
    const outcomes = Array.from({ length: 4 }, () => buckets.take('ana'))
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['granted', 'granted', 'granted', 'refused'])
    expect(outcomes[3]).toEqual({ outcome: 'refused', retryInMs: 500 })
    await clock.advance(499)
    expect(buckets.take('ana')).toMatchObject({ outcome: 'refused' })
    await clock.advance(1)
    expect(buckets.take('ana')).toEqual({ outcome: 'granted' })
    await clock.advance(60_000)
    expect(Array.from({ length: 4 }, () => buckets.take('ana').outcome)).toEqual(['granted', 'granted', 'granted', 'refused'])
  })

  it('do not let one caller take from another', () => {
    const { buckets } = open()
    for (let round = 0; round < 5; round++) buckets.take('ana')
    expect(buckets.take('bea')).toEqual({ outcome: 'granted' })
  })

  it('forget the caller seen least recently, and not one that keeps coming', () => {
    const { buckets } = open({ maxCallers: 2 })
    for (let round = 0; round < 4; round++) buckets.take('ana')
    buckets.take('bea')
    expect(buckets.take('ana').outcome).toBe('refused')
    buckets.take('caio')
    expect(buckets.take('ana').outcome).toBe('refused')
  })
})
