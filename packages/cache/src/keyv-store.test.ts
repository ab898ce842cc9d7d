import { TestClock } from '@cidadao/contracts'
import { Keyv } from 'keyv'
import { describe, expect, it } from 'vitest'
import { faultyTier } from '../test/faulty-tier.ts'
import { createCache } from './cache.ts'
import { cacheAsKeyvStore } from './keyv-store.ts'
import { definePolicy } from './policy.ts'
import { memoryTier } from './tiers/memory-tier.ts'

function setUp() {
  const clock = new TestClock()
  const shared = faultyTier(memoryTier({ clock }))
  const cache = createCache({ clock, tiers: [shared] })
  const namespace = cache.namespace(definePolicy({ name: 'sessions', ttlMs: 60_000, jitter: 0 }))
  return { clock, shared, cache, keyv: new Keyv(cacheAsKeyvStore(namespace), { throwOnErrors: true }) }
}

describe('a namespace as a Keyv store', () => {
  it.each([[0], [''], [false], [null], [{ a: [1] }], ['text']])('gives %j back', async (value) => {
    const { keyv } = setUp()
    expect(await keyv.set('k', value)).toBe(true)
    expect(await keyv.get('k')).toEqual(value)
  })

  it('keeps to the time to live of the entry, else to that of the policy', async () => {
    const { keyv, clock } = setUp()
    await keyv.set('short', 1, 1_000)
    await keyv.set('policy', 2)
    await clock.advance(1_000)
    expect([await keyv.get('short'), await keyv.get('policy')]).toEqual([undefined, 2])
    await clock.advance(59_000)
    expect(await keyv.get('policy')).toBeUndefined()
  })

  it('handles many, deletes and clears', async () => {
    const { keyv } = setUp()
    await keyv.setMany([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ])
    expect(await keyv.get(['a', 'x', 'b'])).toEqual([1, undefined, 2])
    expect(await keyv.hasMany(['a', 'x'])).toEqual([true, false])
    expect([await keyv.delete('a'), await keyv.delete('a'), await keyv.deleteMany(['b'])]).toEqual([true, false, true])
    await keyv.set('c', 3)
    await keyv.clear()
    expect(await keyv.has('c')).toBe(false)
  })

  it('throws when it cannot know, instead of saying absent', async () => {
    const { keyv, shared } = setUp()
    shared.fail('down')
    await expect(keyv.get('k')).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' })
    await expect(keyv.has('k')).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' })
  })
})
