import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { createCache } from './cache.ts'
import { definePolicy } from './policy.ts'
import { memoryTier } from './tiers/memory-tier.ts'

function setUp() {
  const clock = new TestClock()
  const defaultPolicy = definePolicy({ name: 'things', ttlMs: 60_000, jitter: 0 })
  return { clock, cache: createCache({ clock, tiers: [memoryTier({ clock })], defaultPolicy }) }
}

function everyUse(key: string): Promise<unknown>[] {
  const { cache } = setUp()
  return [cache.get(key), cache.has(key), cache.set(key, 1), cache.delete(key), cache.getOrSet(key, () => 1), cache.getMany(['ok', key])]
}

describe('a key', () => {
  it.each([
    ['with a line break', 'a\nb'],
    ['with a null character', 'a\u0000b'],
    ['with a C1 control character', 'a\u009fb'],
    ['with a lone high surrogate', 'a\ud83d'],
    ['with a lone low surrogate', '\udc00a'],
    ['of 100 KB', 'k'.repeat(100_000)],
    ['that is empty', ''],
    ['that is no text', 7 as unknown as string],
  ])('%s is refused by every use, and is not in the message', async (_what, key) => {
    const outcomes = await Promise.allSettled(everyUse(key))
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CACHE_KEY_INVALID' } })
      if (typeof key === 'string' && key.length > 1) expect(String((outcome as PromiseRejectedResult).reason)).not.toContain(key)
    }
  })

  it('named __proto__ is a key like any other, in memory, in a tier and in bulk', async () => {
    const { cache } = setUp()
    expect((await cache.get('__proto__')).outcome).toBe('miss')
    await cache.setMany([['__proto__', { own: true }], ['constructor', 2]]) // prettier-ignore
    expect(await cache.getMany(['__proto__', 'constructor', 'toString'])).toMatchObject([
      { outcome: 'hit', value: { own: true } },
      { outcome: 'hit', value: 2 },
      { outcome: 'miss' },
    ])
    expect(({} as { own?: boolean }).own).toBeUndefined()
  })
})

describe('a value', () => {
  const loop: { self?: unknown } = {}
  loop.self = loop
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { next: deep(levels - 1) })

  it.each([
    ['with a cycle', loop, 'CACHE_VALUE_INVALID'],
    ['that is a function', () => 1, 'CACHE_VALUE_INVALID'],
    ['with a function inside', { run: () => 1 }, 'CACHE_VALUE_INVALID'],
    ['with a symbol inside', [Symbol('x')], 'CACHE_VALUE_INVALID'],
    ['nested 1,000 levels deep', deep(1_000), 'CACHE_VALUE_INVALID'],
    ['with a __proto__ of its own', JSON.parse('{"__proto__":{"polluted":true}}') as unknown, 'CACHE_VALUE_INVALID'],
    ['of 100 MB of text', 'x'.repeat(100_000_000), 'CACHE_VALUE_TOO_LARGE'],
    ['of 100 MB of bytes', new Uint8Array(100_000_000), 'CACHE_VALUE_TOO_LARGE'],
  ])('%s is refused by set and for a factory, and nothing is stored', async (_what, value, code) => {
    const { cache } = setUp()
    await expect(cache.set('k', value)).rejects.toMatchObject({ code })
    await expect(cache.getOrSet('k', () => value)).rejects.toMatchObject({ code })
    expect((await cache.get('k')).outcome).toBe('miss')
  })

  it('that is too large is refused with the limit', async () => {
    const cache = createCache({ defaultPolicy: definePolicy({ name: 'small', ttlMs: 1_000, maxValueBytes: 1_000 }) })
    const refusal = { code: 'CACHE_VALUE_TOO_LARGE', facts: { maxValueBytes: 1_000 } }
    await expect(cache.set('k', 'x'.repeat(500))).rejects.toMatchObject(refusal)
    expect(await cache.set('k', 'x'.repeat(400))).toEqual({ outcome: 'done' })
  })
})

describe('23: a time to live', () => {
  it.each([[0], [-1], [Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], ['60' as unknown as number]])(
    'of %s is refused wherever it is given',
    async (ttlMs) => {
      const { cache } = setUp()
      const refusal = { code: 'CACHE_TTL_INVALID' }
      await expect(cache.set('k', 1, { ttlMs })).rejects.toMatchObject(refusal)
      await expect(cache.getOrSet('k', () => 1, { ttlMs })).rejects.toMatchObject(refusal)
      await expect(cache.getOrSet('k', ({ adapt }) => (adapt({ ttlMs }), 1))).rejects.toMatchObject(refusal)
      expect(() => definePolicy({ name: 'x', ttlMs })).toThrow(expect.objectContaining(refusal))
      expect((await cache.get('k')).outcome).toBe('miss')
    },
  )

  it('of 30 days is 30 days, beyond what a timer counts', async () => {
    const { cache, clock } = setUp()
    const days = 24 * 3_600_000
    await cache.set('k', 'v', { ttlMs: 30 * days })
    await clock.advance(30 * days - 1)
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', value: 'v' })
    await clock.advance(1)
    expect((await cache.get('k')).outcome).toBe('miss')
  })
})
