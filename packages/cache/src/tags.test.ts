import { describe, expect, it } from 'vitest'
import { bench, gate, QUIET, value, type Bench } from '../test/fault-bench.ts'
import { createCache, type Cache } from './cache.ts'
import { definePolicy } from './policy.ts'
import { keyvTier } from './tiers/keyv-tier.ts'
import { memoryTier } from './tiers/memory-tier.ts'
import { faultyTier } from '../test/faulty-tier.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

const clocked = (options: Parameters<typeof bench>[0] = {}): Bench => bench({ clocked: true, ...options })
const tag = (...tags: readonly string[]) => ({ tags })
const values = (caches: readonly Cache[], key = 'k'): Promise<unknown[]> => Promise.all(caches.map((cache) => value(cache, key)))

describe('tags', () => {
  it('invalidate what has them, in every tier and for every process, and nothing else', async () => {
    const { cache, other } = clocked()
    const second = other()
    await cache.set('a', 1, tag('x', 'y'))
    await cache.set('b', 2, tag('y'))
    await cache.set('c', 3)
    expect(await cache.invalidateTags(['x'])).toEqual({ outcome: 'done' })
    expect([await values([cache, second, other()], 'a'), await values([cache, second], 'b'), await values([cache], 'c')]).toEqual([
      ['miss', 'miss', 'miss'],
      [2, 2],
      [3],
    ])
    expect(second.stats().namespaces.things).toMatchObject({ invalidated: 2, misses: 1 })
  })

  it('come from the policy, from the call and from the factory', async () => {
    const { cache, other } = clocked({ policy: { tags: ['policy'] } })
    for (const invalidated of ['policy', 'call', 'factory']) {
      await cache.getOrSet('k', (context) => (context.adapt({ tags: ['factory'] }), 'v'), tag('call'))
      expect(await values([cache, other()])).toEqual(['v', 'v'])
      await cache.invalidateTags([invalidated])
      expect(await values([cache, other()])).toEqual(['miss', 'miss'])
    }
  })

  it('work in memory alone', async () => {
    const cache = createCache()
    await cache.set('k', 'v', tag('x'))
    await cache.invalidateTags(['y'])
    expect(await value(cache)).toBe('v')
    await cache.invalidateTags(['x'])
    expect([cache.peek('k').outcome, await value(cache)]).toEqual(['miss', 'miss'])
    await cache.set('k', 'new', tag('x'))
    expect(await value(cache)).toBe('new')
  })

  it('cost the same however many entries have them', async () => {
    const { cache, l2, l3 } = clocked()
    await cache.setMany(
      Array.from({ length: 500 }, (_, index) => [`k${index}`, index] as const),
      tag('x'),
    )
    l2.calls.length = 0
    l3.calls.length = 0
    await cache.invalidateTags(['x'])
    expect([l2.calls, l3.calls]).toEqual([['advance'], []])
    expect((await cache.getMany(['k0', 'k499'])).map((lookup) => lookup.outcome)).toEqual(['miss', 'miss'])
  })

  it('are refused where no tier could keep their order, instead of being forgotten', async () => {
    const map = new Map<string, string>()
    const store = {
      getRaw: async (key: string) => ({ value: map.get(key) }),
      set: async (key: string, text: string) => (map.set(key, text), true),
      delete: async (key: string) => map.delete(key),
      on: () => undefined,
      throwOnErrors: true,
    }
    const cache = createCache({ tiers: [keyvTier(store)] })
    const unsupported = { code: 'CACHE_TAGS_UNSUPPORTED' }
    await expect(cache.set('k', 1, tag('x'))).rejects.toMatchObject(unsupported)
    await expect(cache.getOrSet('k', () => 1, tag('x'))).rejects.toMatchObject(unsupported)
    await expect(cache.invalidateTags(['x'])).rejects.toMatchObject(unsupported)
  })

  it.each([[['']], [['a\nb']], [['\ud800']], [['é'.repeat(129)]], [Array.from({ length: 65 }, (_, index) => `t${index}`)]])(
    'that are unusable are refused: %j',
    async (tags) => {
      const { cache } = clocked()
      await expect(cache.set('k', 1, { tags })).rejects.toMatchObject({ code: 'CACHE_TAG_INVALID' })
      await expect(cache.invalidateTags(tags)).rejects.toMatchObject({ code: 'CACHE_TAG_INVALID' })
      expect(() => definePolicy({ ...QUIET, tags })).toThrow(expect.objectContaining({ code: 'CACHE_TAG_INVALID' }))
    },
  )

  it('of any spelling are tags like any other', async () => {
    const { cache, other } = clocked()
    for (const name of ['__proto__', 'constructor', 'a b', '*', '{x}', '', 'ção'].filter((each) => each !== '')) {
      await cache.set('k', 'v', tag(name))
      expect(await value(other())).toBe('v')
      await cache.invalidateTags([name])
      expect(await values([cache, other()])).toEqual(['miss', 'miss'])
    }
  })
})

describe('fill against invalidation by tag', () => {
  it('2: a tag invalidated during a factory wins in every tier', async () => {
    const { cache, other } = clocked()
    const origin = gate<string>()
    const running = gate<undefined>()
    const got = cache.getOrSet('k', () => (running.open(undefined), origin.promise), tag('x'))
    await running.promise
    await cache.invalidateTags(['x'])
    origin.open('old')
    expect(await got).toBe('old')
    expect([cache.peek('k').outcome, ...(await values([cache, other()]))]).toEqual(['miss', 'miss', 'miss'])
    expect(cache.stats().namespaces.things).toMatchObject({ superseded: 1, sets: 0 })
  })

  it('2: a tag invalidated by another process during a factory wins in every tier', async () => {
    const { cache, other } = clocked()
    await cache.start()
    const origin = gate<string>()
    const running = gate<undefined>()
    const got = cache.getOrSet('k', () => (running.open(undefined), origin.promise), tag('x'))
    await running.promise
    await other().invalidateTags(['x'])
    origin.open('old')
    expect(await got).toBe('old')
    expect(await values([cache, other()])).toEqual(['miss', 'miss'])
    await cache.stop()
  })

  it('2: a caller after the invalidation does not join the factory that began before it', async () => {
    const { cache, other } = clocked()
    const origin = gate<string>()
    const running = gate<undefined>()
    const before = cache.getOrSet('k', () => (running.open(undefined), origin.promise), tag('x'))
    await running.promise
    await cache.invalidateTags(['x'])
    expect(await cache.getOrSet('k', () => 'new', tag('x'))).toBe('new')
    origin.open('old')
    expect([await before, await value(cache), await value(other())]).toEqual(['old', 'new', 'new'])
  })

  it('3: the same with a tag that the factory chose after it was invalidated', async () => {
    const { cache, other } = clocked()
    const origin = gate<string>()
    const running = gate<undefined>()
    const got = cache.getOrSet('k', async (context) => {
      running.open(undefined)
      const loaded = await origin.promise
      context.adapt({ tags: ['chosen'] })
      return loaded
    })
    await running.promise
    await cache.invalidateTags(['chosen'])
    origin.open('old')
    expect(await got).toBe('old')
    expect(await values([cache, other()])).toEqual(['miss', 'miss'])
  })

  it('37: in the same instant, a write before the invalidation goes and one after it stays', async () => {
    const { cache, other } = clocked()
    await cache.set('before', 'v', tag('x'))
    await cache.invalidateTags(['x'])
    await cache.set('after', 'v', tag('x'))
    expect([...(await values([cache, other()], 'before')), ...(await values([cache, other()], 'after'))]).toEqual([
      'miss',
      'miss',
      'v',
      'v',
    ])
  })

  it('39: a hundred invalidations at once by two processes lose none', async () => {
    const { cache, other } = clocked()
    const second = other()
    await Promise.all([cache.start(), second.start()])
    const names = Array.from({ length: 100 }, (_, index) => `t${index}`)
    for (const name of names) await cache.set(name, 'old', tag(name))
    await Promise.all(names.map((name, index) => (index % 2 === 0 ? cache : second).invalidateTags([name])))
    const third = other()
    const found = await Promise.all([cache, second, third].map((each) => each.getMany(names)))
    expect(found.flat().filter((lookup) => lookup.outcome !== 'miss')).toEqual([])
    await Promise.all([cache.stop(), second.stop()])
  })
})

describe('marks that are lost', () => {
  const prefix = 'default/v1/things'

  it('34: a tier that lost its clock but not its entries returns nothing that had been invalidated', async () => {
    const { cache, l2, l3, clock } = clocked()
    await cache.set('k', 'old', tag('x'))
    await cache.set('plain', 'old')
    const remembered = await l2.read({ namespace: prefix, id: `${prefix}/k` })
    await cache.invalidateTags(['x'])
    await clock.advance(1)
    // As after an eviction of the marks alone: the same entry, a clock that begins anew.
    const l2WithoutMarks = faultyTier(memoryTier({ clock, name: 'l2' }), { clocked: true })
    await l2WithoutMarks.write(
      { namespace: prefix, id: `${prefix}/k` },
      { payload: remembered.entry?.payload ?? Buffer.alloc(0), ttlMs: 60_000 },
    )
    const fresh = createCache({ clock, tiers: [l2WithoutMarks, l3], defaultPolicy: definePolicy(QUIET) })
    expect(await value(fresh)).toBe('miss')
    expect(await value(fresh, 'plain')).toBe('old')
  })

  it('34: forgetting the marks of tags not heard of for long costs misses, never a stale hit', async () => {
    const { cache, other } = clocked({ consistency: { maxTags: 5 } })
    const second = other()
    for (let index = 0; index < 20; index++) await cache.set(`k${index}`, 'old', tag(`t${index}`))
    await second.getMany(Array.from({ length: 20 }, (_, index) => `k${index}`))
    for (let index = 0; index < 20; index++) await cache.invalidateTags([`t${index}`])
    await second.invalidateTags(['other'])
    for (const each of [cache, second, other()]) {
      for (let index = 0; index < 20; index++) expect(await value(each, `k${index}`)).toBe('miss')
    }
  })

  it('35: a process that heard nothing reads the marks again in time', async () => {
    const { cache, other, l2, clock } = clocked()
    const second = other()
    await cache.set('k', 'old', tag('x'))
    expect(await value(second)).toBe('old')
    l2.deafen()
    await cache.invalidateTags(['x'])
    await clock.advance(2_999)
    expect(await value(second)).toBe('old')
    await clock.advance(1)
    expect([second.peek('k').outcome, await value(second)]).toEqual(['miss', 'miss'])
  })

  it('36: a mark that is read again does not become newer', async () => {
    const { cache, other, clock } = clocked()
    await cache.invalidateTags(['x'])
    await cache.set('k', 'v', tag('x'))
    for (let reader = 0; reader < 5; reader++) {
      expect(await value(other())).toBe('v')
      await clock.advance(4_000)
    }
    expect(await value(cache)).toBe('v')
  })

  it('38: has() knows of tags', async () => {
    const { cache, other } = clocked()
    await cache.set('k', 'v', tag('x'))
    const second = other()
    expect([await cache.has('k'), await second.has('k')]).toEqual([true, true])
    await cache.invalidateTags(['x'])
    expect([await cache.has('k'), await other().has('k')]).toEqual([false, false])
  })

  it('38: what was invalidated by a tag is no fallback either, whatever its grace', async () => {
    const { cache, other } = clocked({ policy: { ttlMs: 1_000, graceMs: 60_000 } })
    await cache.set('k', 'old', tag('x'))
    await cache.invalidateTags(['x'])
    const failing = (): never => {
      throw new Error('origin down')
    }
    await expect(cache.getOrSet('k', failing)).rejects.toThrow('origin down')
    await expect(other().getOrSet('k', failing)).rejects.toThrow('origin down')
    expect((await cache.get('k', { allowStale: true })).outcome).toBe('miss')
  })
})

describe('clear with a logical clock', () => {
  it('is one step on the tier with the clock, and sweeps what it made invalid later, and nothing newer', async () => {
    const { cache, other, l2, l3 } = clocked()
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ])
    l2.calls.length = 0
    const held = l2.hold('sweep')
    expect(await cache.clear()).toEqual({ outcome: 'done' })
    await held.reached
    expect(l2.calls).toEqual(['advance', 'sweep'])
    await cache.set('c', 3)
    held.release()
    await cache.stop()
    const second = other()
    expect([await value(second, 'a'), await value(second, 'b'), await value(second, 'c')]).toEqual(['miss', 'miss', 3])
    expect(l3.calls).toContain('clear')
  })

  it('wins over a factory that was running', async () => {
    const { cache, other } = clocked()
    const origin = gate<string>()
    const got = cache.getOrSet('k', () => origin.promise)
    await cache.clear()
    origin.open('old')
    expect([await got, await value(cache), await value(other())]).toEqual(['old', 'miss', 'miss'])
  })
})

describe('while the tier with the clock is away', () => {
  it('an invalidation says pending, holds here at once, and for all others when the tier is back', async () => {
    const { cache, other, l2, clock } = clocked()
    await cache.set('k', 'old', tag('x'))
    l2.fail('down')
    expect(await cache.invalidateTags(['x'])).toMatchObject({ outcome: 'pending', tiers: ['l2'] })
    expect(await value(cache)).not.toBe('old')
    l2.heal()
    await clock.advance(1_000)
    expect(await values([cache, other()])).toEqual(['miss', 'miss'])
  })

  it('an entry of a tier beyond is not believed while the invalidation of its tag waits, though its last mark is known', async () => {
    const { cache, l2 } = clocked({ policy: { tiers: ['l2', 'l3'] } })
    await cache.invalidateTags(['x'])
    await cache.set('k', 'old', tag('x'))
    l2.fail('rejects', ['read', 'advance'])
    expect(await value(cache)).toBe('old')
    expect(await cache.invalidateTags(['x'])).toMatchObject({ outcome: 'pending' })
    expect(await value(cache)).toBe('unavailable')
  })

  it('tagged entries of a tier beyond are not believed, untagged ones are', async () => {
    const { cache, l2, other } = clocked()
    await cache.set('tagged', 'v', tag('x'))
    await cache.set('plain', 'v')
    l2.fail('down')
    const second = other()
    expect([await value(second, 'tagged'), await value(second, 'plain')]).toEqual(['unavailable', 'v'])
    expect(await second.getOrSet('tagged', () => 'produced', tag('x'))).toBe('produced')
  })

  it('memory believes what was produced within verifyWithinMs, and no longer', async () => {
    const { cache, l2, l3, clock } = clocked()
    await cache.start()
    l2.fail('down')
    l3.fail('down')
    let runs = 0
    const produce = (): number => ++runs
    expect([await cache.getOrSet('k', produce), await cache.getOrSet('k', produce)]).toEqual([1, 1])
    await clock.advance(2_999)
    expect(cache.peek('k').outcome).toBe('hit')
    await clock.advance(1)
    expect([cache.peek('k').outcome, await cache.getOrSet('k', produce)]).toEqual(['miss', 2])
    await cache.stop()
  })

  it.each(['read', 'kept as a fallback'])('an entry %s is believed by the word that the clock gave for it, not for longer', async (way) => {
    const { cache, other, clock } = clocked({ policy: { memoryTtlMs: 500, ttlMs: 2_500, graceMs: 60_000 } })
    const second = other()
    await cache.set('k', 'old', tag('x'))
    expect(await value(second)).toBe('old')
    await clock.advance(100)
    await cache.invalidateTags(['x'])
    // Within what another process may be behind, it takes the entry once more from the tier.
    await clock.advance(2_800)
    const failing = (): Promise<never> => Promise.reject(new Error('the source does not answer'))
    if (way === 'read') expect(await second.get('k', { allowStale: true })).toMatchObject({ value: 'old' })
    else expect(await second.getOrSet('k', failing)).toBe('old')
    await clock.advance(300)
    expect(await second.get('k', { allowStale: true })).toEqual({ outcome: 'miss' })
  })

  it('more invalidations than can wait become one of everything', async () => {
    const { cache, other, l2, clock } = clocked({ consistency: { maxUnsent: 10 } })
    await cache.set('k', 'old', tag('t0'))
    l2.fail('down')
    for (let index = 0; index < 20; index++) await cache.invalidateTags([`t${index}`])
    l2.heal()
    await clock.advance(5_000)
    expect(await values([cache, other()])).toEqual(['miss', 'miss'])
  })
})
