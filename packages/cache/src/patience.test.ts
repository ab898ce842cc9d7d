import { describe, expect, it } from 'vitest'
import { bench, gate, value, type Bench } from '../test/fault-bench.ts'
import { definePolicy } from './policy.ts'

const LIFE = { ttlMs: 1_000, graceMs: 60_000 }
const soft = (options: Parameters<typeof bench>[0] = {}): Bench =>
  bench({ clocked: true, ...options, policy: { ...LIFE, softTimeoutMs: 100, ...options.policy } })

/** A factory that runs until it is opened. */
function slow() {
  const result = gate<string>()
  const begun = gate<undefined>()
  let runs = 0
  return {
    factory: (): Promise<string> => (runs++, begun.open(undefined), result.promise),
    begun: begun.promise,
    open: result.open,
    fail: result.fail,
    runs: () => runs,
  }
}

describe('a soft timeout', () => {
  it('gives the old value when the factory takes long, and stores what it brings in the end', async () => {
    const { cache, other, clock } = soft()
    await cache.set('k', 'old')
    await clock.advance(2_000)
    const load = slow()
    const got = cache.getOrSet('k', load.factory)
    await load.begun
    await clock.advance(101)
    expect(await got).toBe('old')
    expect(await cache.getOrSet('k', load.factory)).toBe('old')
    load.open('new')
    await clock.advance(10)
    expect([await value(cache), await value(other()), load.runs()]).toEqual(['new', 'new', 1])
    expect(cache.stats().namespaces.things).toMatchObject({ staleHits: 2 })
  })

  it('is not reached by a factory that is quick, and does nothing where there is no old value', async () => {
    const { cache, clock } = soft()
    const load = slow()
    const got = cache.getOrSet('k', load.factory)
    await clock.advance(5_000)
    load.open('first')
    expect(await got).toBe('first')
    await clock.advance(2_000)
    expect(await cache.getOrSet('k', () => 'quick')).toBe('quick')
  })

  it('of 0 gives the old value at once, also one that only a shared tier has', async () => {
    const { cache, other, clock } = soft({ policy: { softTimeoutMs: 0 } })
    await cache.set('k', 'old')
    await clock.advance(2_000)
    const load = slow()
    expect(await cache.getOrSet('k', load.factory)).toBe('old')
    expect(await other().getOrSet('k', () => 'not run')).toBe('old')
    load.open('new')
    await clock.advance(500)
    expect(await value(other())).toBe('new')
  })

  it('covers the wait for another process, too', async () => {
    const { cache, other, clock } = soft()
    const second = other()
    await cache.set('k', 'old')
    await clock.advance(2_000)
    const load = slow()
    const first = cache.getOrSet('k', load.factory)
    await load.begun
    const waiting = second.getOrSet('k', () => 'not run')
    await clock.advance(150)
    expect([await first, await waiting]).toEqual(['old', 'old'])
    load.open('new')
    await clock.advance(500)
    expect([await value(cache), await value(second)]).toEqual(['new', 'new'])
  })

  it('S5: gives nothing that is past its grace, and S1: nothing that was deleted', async () => {
    const { cache, clock } = soft({ policy: { graceMs: 2_000, softTimeoutMs: 1_500 } })
    await cache.set('k', 'old')
    await clock.advance(1_800)
    const load = slow()
    const got = cache.getOrSet('k', load.factory)
    await load.begun
    await clock.advance(1_400)
    await cache.set('d', 'old')
    await clock.advance(1_100)
    await cache.delete('d')
    const after = cache.getOrSet('d', () => 'new')
    load.open('late')
    expect([await got, await after]).toEqual(['late', 'new'])
  })

  it('ends nobody else’s wait: who leaves by a signal does not stop a load that others were content without', async () => {
    const { cache, other, clock } = soft()
    await cache.set('k', 'old')
    await clock.advance(2_000)
    const load = slow()
    const leaver = new AbortController()
    const content = cache.getOrSet('k', load.factory, { signal: new AbortController().signal })
    const left = expect(cache.getOrSet('k', load.factory, { signal: leaver.signal })).rejects.toThrow('left')
    await load.begun
    leaver.abort(new Error('left'))
    await left
    await clock.advance(150)
    expect(await content).toBe('old')
    load.open('new')
    await clock.advance(10)
    expect(await value(other())).toBe('new')
  })

  it('7: a load that fails in the background is tried again at now plus the wait', async () => {
    const { cache, clock } = soft({ policy: { retryAfterMs: 5_000 } })
    await cache.set('k', 'old')
    await clock.advance(2_000)
    const load = slow()
    const got = cache.getOrSet('k', load.factory)
    await clock.advance(150)
    expect(await got).toBe('old')
    load.fail(new Error('origin down'))
    await clock.advance(10)
    expect(await cache.getOrSet('k', () => 'too early')).toBe('old')
    await clock.advance(5_000)
    expect(await cache.getOrSet('k', () => 'new')).toBe('new')
  })
})

describe('a hard timeout', () => {
  it('ends a caller’s wait, not the load, whose result is stored', async () => {
    const { cache, other, clock } = bench({ clocked: true, policy: { hardTimeoutMs: 200 } })
    const load = slow()
    const refused = expect(cache.getOrSet('k', load.factory)).rejects.toMatchObject({
      code: 'CACHE_FACTORY_TIMEOUT',
      facts: { timeoutMs: 200 },
    })
    await load.begun
    await clock.advance(201)
    await refused
    const joined = cache.getOrSet('k', load.factory)
    load.open('value')
    expect([await joined, await value(other()), load.runs()]).toEqual(['value', 'value', 1])
  })

  it('takes the old value if there is one', async () => {
    const { cache, clock } = bench({ clocked: true, policy: { ...LIFE, hardTimeoutMs: 200 } })
    await cache.set('k', 'old')
    await clock.advance(2_000)
    const load = slow()
    const got = cache.getOrSet('k', load.factory)
    await clock.advance(201)
    expect(await got).toBe('old')
    load.open('new')
    await clock.advance(10)
    expect(await value(cache)).toBe('new')
  })

  it('is longer than a soft one', () => {
    const contradicting = () => definePolicy({ name: 'x', ttlMs: 1, softTimeoutMs: 5, hardTimeoutMs: 5 })
    expect(contradicting).toThrow('policy softTimeoutMs must be less than hardTimeoutMs (5), got 5')
    expect(() => definePolicy({ name: 'x', ttlMs: 1, refreshAhead: -1 })).toThrow(
      'policy refreshAhead must be a number from 0 to 100, got -1',
    )
  })
})

describe('a factory', () => {
  it('can say that the old value is still right, which then begins a new time to live', async () => {
    const { cache, other, clock } = bench({ clocked: true, policy: LIFE })
    await cache.set('k', { etag: 'a' })
    await clock.advance(2_000)
    const got = await cache.getOrSet('k', (context) => context.notModified())
    expect(got).toEqual({ etag: 'a' })
    expect(await other().get('k')).toMatchObject({ outcome: 'hit', value: { etag: 'a' }, ageMs: 0 })
    await expect(cache.getOrSet('new', (context) => context.notModified())).rejects.toThrow('notModified() needs a stale value')
  })

  it('can choose the tiers that keep its result', async () => {
    const { cache, other, clock } = bench({ clocked: true })
    const tiersOf = async (key: string) => {
      const found = await other().get(key)
      return found.outcome === 'hit' ? found.tier : found.outcome
    }
    await cache.getOrSet('far', (context) => (context.adapt({ tiers: ['l3'] }), 'v'))
    expect([cache.peek('far').outcome, await tiersOf('far')]).toEqual(['miss', 'l3'])
    await cache.getOrSet('near', (context) => (context.adapt({ tiers: ['memory'] }), 'v'))
    expect([cache.peek('near').outcome, await tiersOf('near')]).toEqual(['hit', 'miss'])
    await clock.advance(1)
    // The lease is free again, though its tier was not filled.
    expect(await other().getOrSet('near', () => 'at once')).toBe('at once')
  })
})
