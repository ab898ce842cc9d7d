import { describe, expect, it } from 'vitest'
import { bench, gate, value, type Bench } from '../test/fault-bench.ts'
import { definePolicy } from './policy.ts'

const clocked = (options: Parameters<typeof bench>[0] = {}): Bench => bench({ clocked: true, ...options })
const GRACE = { policy: { graceMs: 30_000 } }

describe('writes of one key called in the same turn', () => {
  it('5: act in the order of the calls, also when nobody awaited the first', async () => {
    const { cache, other } = clocked()
    const calls = [cache.set('k', 'first'), cache.delete('k')]
    await Promise.all(calls)
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
    await Promise.all([cache.delete('k'), cache.set('k', 'second'), cache.set('k', 'third')])
    expect([await value(cache), await value(other())]).toEqual(['third', 'third'])
  })

  it('5: do so with a schema that takes its time', async () => {
    const { clock, l2 } = clocked()
    const { createCache } = await import('./cache.ts')
    const slow = gate<undefined>()
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: async (given: unknown) => (await slow.promise, { value: given as string }),
      },
    }
    const cache = createCache({ clock, tiers: [l2], defaultPolicy: definePolicy({ name: 'things', ttlMs: 60_000, jitter: 0, schema }) })
    const calls = [cache.set('k', 'first'), cache.delete('k')]
    slow.open(undefined)
    await Promise.all(calls)
    expect(await value(cache)).toBe('miss')
  })

  it('37: a set before a clear or an invalidation of its tag is invalidated by it, one after it stays', async () => {
    const { cache, other } = clocked()
    await cache.set('warm', 1)
    await Promise.all([cache.set('k', 'old'), cache.clear(), cache.set('kept', 'new')])
    await Promise.all([cache.set('t', 'old', { tags: ['x'] }), cache.invalidateTags(['x'])])
    const there = other()
    expect([await value(cache, 'k'), await value(there, 'k')]).toEqual(['miss', 'miss'])
    expect([await value(cache, 't'), await value(there, 't')]).toEqual(['miss', 'miss'])
  })

  it('a value that is refused changes nothing, whatever is called after it', async () => {
    const { cache } = clocked()
    await cache.set('k', 'kept')
    const refused = expect(cache.set('k', undefined)).rejects.toMatchObject({ code: 'CACHE_VALUE_INVALID' })
    await refused
    expect(await value(cache)).toBe('kept')
    const [, outcome] = await Promise.allSettled([cache.set('k', () => {}), cache.set('k', 'next')])
    expect([outcome.status, await value(cache)]).toEqual(['fulfilled', 'next'])
  })
})

describe('expire', () => {
  it('ends the time to live in every tier and every process, and keeps the value as a fallback for its grace', async () => {
    const { cache, other, clock } = clocked(GRACE)
    const second = other()
    await second.start()
    await cache.set('k', 'old')
    expect(await value(second)).toBe('old')
    await clock.advance(10_000)
    expect(await cache.expire('k')).toEqual({ outcome: 'done', existed: true })
    for (const each of [cache, second, other()]) {
      expect(await each.get('k')).toEqual({ outcome: 'miss' })
      expect(await each.get('k', { allowStale: true })).toMatchObject({ outcome: 'hit', value: 'old', stale: true, ageMs: 10_000 })
    }
    expect(await second.getOrSet('k', () => Promise.reject(new Error('origin down')))).toBe('old')
    await clock.advance(30_000)
    await expect(other().getOrSet('k', () => Promise.reject(new Error('origin down')))).rejects.toThrow('origin down')
    await second.stop()
  })

  it('where there is no grace is a delete, and tells whether there was anything', async () => {
    const { cache, other } = clocked()
    await cache.set('k', 'old')
    expect(await cache.expire('k')).toEqual({ outcome: 'done', existed: true })
    expect(await other().get('k', { allowStale: true })).toEqual({ outcome: 'miss' })
    expect(await cache.expire('k')).toEqual({ outcome: 'done', existed: false })
  })

  it('1: during a factory keeps its result out of every tier', async () => {
    const { cache, other } = clocked(GRACE)
    const origin = gate<string>()
    const begun = gate<undefined>()
    const got = cache.getOrSet('k', () => (begun.open(undefined), origin.promise))
    await begun.promise
    await other().expire('k')
    origin.open('old')
    expect(await got).toBe('old')
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
  })

  it('38: of what a tag has invalidated, or somebody deletes meanwhile, brings nothing back', async () => {
    const { cache, other, l2 } = clocked(GRACE)
    await cache.set('k', 'old', { tags: ['x'] })
    await cache.invalidateTags(['x'])
    await cache.expire('k')
    expect(await other().get('k', { allowStale: true })).toEqual({ outcome: 'miss' })
    await cache.set('k', 'old')
    const held = l2.hold('fill')
    const expiring = cache.expire('k')
    await held.reached
    await other().delete('k')
    held.release()
    await expiring
    expect(await other().get('k', { allowStale: true })).toEqual({ outcome: 'miss' })
  })

  it('that cannot reach a tier is pending, and the tier does not return the value as fresh when it is back', async () => {
    const { cache, other, l2, clock } = bench(GRACE)
    await cache.set('k', 'old')
    l2.fail('down')
    expect(await cache.expire('k')).toMatchObject({ outcome: 'pending', tiers: ['l2'] })
    l2.heal()
    await clock.advance(10_000)
    expect((await other().get('k')).outcome).toBe('miss')
  })

  it.each([true, false])('works in memory alone and through a tier without a fence (%s)', async (alone) => {
    const { cache, clock } = alone ? clocked({ tiers: [], ...GRACE }) : bench({ fenced: false, ...GRACE })
    await cache.set('k', 'old')
    expect(await cache.expire('k')).toEqual({ outcome: 'done', existed: true })
    expect(await cache.getOrSet('k', ({ stale }) => `after ${String(stale?.value)}`)).toBe('after old')
    await clock.advance(1)
  })
})

describe('touch', () => {
  it('gives a fresh entry another time to live, with the age that it has', async () => {
    const { cache, other, clock } = clocked()
    await cache.set('k', 'v', { tags: ['x'] })
    await clock.advance(50_000)
    expect(await cache.touch('k')).toEqual({ outcome: 'done', existed: true })
    await clock.advance(50_000)
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', ageMs: 100_000 })
    expect(await other().get('k')).toMatchObject({ outcome: 'hit', ageMs: 100_000 })
    await clock.advance(10_000)
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
  })

  it('leaves alone what is not there, and what is past its time', async () => {
    const { cache, clock } = clocked(GRACE)
    expect(await cache.touch('k')).toEqual({ outcome: 'done', existed: false })
    await cache.set('k', 'v')
    await clock.advance(60_000)
    expect(await cache.touch('k', { ttlMs: 5_000 })).toEqual({ outcome: 'done', existed: false })
    await expect(cache.touch('k', { ttlMs: 0 })).rejects.toMatchObject({ code: 'CACHE_TTL_INVALID' })
    expect(await value(cache)).toBe('miss')
  })

  it('26: does not keep alive what is invalidated, before, while or after it is touched', async () => {
    const { cache, other, l2, clock } = clocked()
    await cache.set('k', 'old', { tags: ['x'] })
    await other().invalidateTags(['x'])
    expect(await other().touch('k')).toMatchObject({ existed: false })
    await clock.advance(5_000)
    await cache.set('k', 'old', { tags: ['x'] })
    const held = l2.hold('fill')
    const touching = cache.touch('k')
    await held.reached
    await other().delete('k')
    held.release()
    await touching
    expect(await value(other())).toBe('miss')
    await cache.set('k', 'old', { tags: ['x'] })
    await cache.touch('k')
    await cache.invalidateTags(['x'])
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
  })
})

describe('warm', () => {
  it('stores what is missing, from whatever gives entries out, and leaves alone what is there', async () => {
    const { cache, other } = clocked()
    await cache.set('b', 'newer')
    const source = async function* (): AsyncGenerator<readonly [string, string]> {
      for (const key of ['a', 'b', 'c']) yield [key, `warm ${key}`]
    }
    expect(await cache.warm(source())).toEqual({ stored: 2, present: 1 })
    expect((await other().getMany(['a', 'b', 'c'])).map((found) => found.outcome === 'hit' && found.value)).toEqual([
      'warm a',
      'newer',
      'warm c',
    ])
    expect(await other().warm([['a', 'x']], { ttlMs: 5 })).toEqual({ stored: 0, present: 1 })
  })

  it('ends with the first entry that cannot be stored', async () => {
    const { cache } = clocked()
    await expect(cache.warm([['', 1]])).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' })
  })
})
