import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { faultyTier } from '../test/faulty-tier.ts'
import { createCache } from './cache.ts'
import { definePolicy } from './policy.ts'
import { memoryTier } from './tiers/memory-tier.ts'

function setUp(policy: { negativeTtlMs?: number } = {}) {
  const clock = new TestClock()
  const tier = memoryTier({ clock, name: 'l2' })
  const shared = faultyTier(tier)
  const defaultPolicy = definePolicy({ name: 'things', ttlMs: 60_000, jitter: 0, ...policy })
  const make = () => createCache({ clock, tiers: [shared], defaultPolicy })
  const asked: (readonly string[])[] = []
  const loader = async (keys: readonly string[]) => {
    asked.push(keys)
    return new Map<string, unknown>(keys.map((key) => [key, `loaded ${key}`]))
  }
  return { clock, shared, cache: make(), make, asked, loader }
}

describe('getOrSetMany', () => {
  it('loads just what is in no tier, in one run, and stores it', async () => {
    const { cache, make, asked, loader } = setUp()
    await cache.set('in memory', 1)
    await make().set('in a tier', 2)
    const obtained = await cache.getOrSetMany(['in memory', 'a', 'in a tier', 'b', 'a'], loader)
    expect(asked).toEqual([['a', 'b']])
    expect(Array.from(obtained, ([key, got]) => [key, got.outcome === 'value' && got.value])).toEqual([
      ['in memory', 1],
      ['a', 'loaded a'],
      ['in a tier', 2],
      ['b', 'loaded b'],
    ])
    expect(await make().get('b')).toMatchObject({ outcome: 'hit', tier: 'l2', value: 'loaded b' })
  })

  it('leaves to others what they are loading, and does not wait for them with the rest', async () => {
    const { cache, asked, loader } = setUp()
    const slow = Promise.withResolvers<string>()
    const other = cache.getOrSet('slow', () => slow.promise)
    const both = cache.getOrSetMany(['slow', 'mine'], loader)
    await expect.poll(() => asked).toEqual([['mine']])
    slow.resolve('theirs')
    expect([await other, (await both).get('slow')]).toEqual(['theirs', { outcome: 'value', value: 'theirs' }])
  })

  it('runs one loader for two calls that ask for the same keys', async () => {
    const { cache, asked, loader } = setUp()
    const calls = await Promise.all([cache.getOrSetMany(['a', 'b'], loader), cache.getOrSetMany(['b', 'a', 'c'], loader)])
    expect(asked.flat().toSorted()).toEqual(['a', 'b', 'c'])
    expect(calls[1].get('c')).toEqual({ outcome: 'value', value: 'loaded c' })
  })

  it('reports errors by key: of one, of the whole loader, of a key that cannot be one', async () => {
    const { cache } = setUp()
    const error = new Error('no such supplier')
    const some = await cache.getOrSetMany(['good', 'bad', ''], async () => new Map<string, unknown>([['good', 1], ['bad', error]])) // prettier-ignore
    expect(some.get('good')).toEqual({ outcome: 'value', value: 1 })
    expect(some.get('bad')).toEqual({ outcome: 'failed', error })
    expect(some.get('')).toMatchObject({ outcome: 'failed', error: { code: 'CACHE_KEY_INVALID' } })
    const none = await cache.getOrSetMany(['x', 'y'], () => Promise.reject(error))
    expect([...none.values()]).toEqual([{ outcome: 'failed', error }, { outcome: 'failed', error }]) // prettier-ignore
  })

  it('remembers what the loader does not return as absent, where the policy allows it', async () => {
    const { cache } = setUp({ negativeTtlMs: 1_000 })
    expect((await cache.getOrSetMany(['gone'], async () => new Map())).get('gone')).toEqual({ outcome: 'value', value: undefined })
    expect(await cache.get('gone')).toMatchObject({ outcome: 'hit', value: undefined })
    const strict = setUp().cache
    expect((await strict.getOrSetMany(['gone'], async () => new Map())).get('gone')).toMatchObject({ outcome: 'failed' })
  })

  it('begins without a key whose tiers are slow to answer, and loads that one by itself', async () => {
    const { cache, clock, shared, asked, loader } = setUp()
    const held = shared.hold('fenced-read')
    const obtaining = cache.getOrSetMany(['slow', 'quick'], loader)
    await held.reached
    await clock.advance(20)
    expect(asked).toEqual([['quick']])
    held.release()
    await obtaining
    expect(asked).toEqual([['quick'], ['slow']])
  })

  it('aborts the loader when its last caller has left', async () => {
    const { cache } = setUp()
    const caller = new AbortController()
    const loading = Promise.withResolvers<AbortSignal>()
    const obtaining = cache.getOrSetMany(
      ['a', 'b'],
      (_keys, { signal }) => {
        loading.resolve(signal)
        return new Promise(() => {})
      },
      { signal: caller.signal },
    )
    const signal = await loading.promise
    expect(signal.aborted).toBe(false)
    caller.abort(new Error('left'))
    expect([...(await obtaining).values()].map((got) => got.outcome)).toEqual(['failed', 'failed'])
    expect(signal.aborted).toBe(true)
  })
})

describe('getOrSetNow', () => {
  it('has what is in memory without a promise, and otherwise a promise, as getOrSet', async () => {
    const { cache } = setUp()
    const first = cache.getOrSetNow('k', () => 'made')
    expect(first).toBeInstanceOf(Promise)
    expect([await first, cache.getOrSetNow('k', () => 'again')]).toEqual(['made', 'made'])
    await expect(cache.getOrSetNow('', () => 1)).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' })
  })
})
