import { describe, expect, it } from 'vitest'
import { bench, gate, value, type Bench } from '../test/fault-bench.ts'
import type { Cache } from './cache.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

const clocked = (options: Parameters<typeof bench>[0] = {}): Bench => bench({ clocked: true, ...options })

/** A factory that runs until it is opened, and tells when it has begun. */
function slowFactory() {
  const result = gate<string>()
  const begun = gate<undefined>()
  let runs = 0
  const factory = (): Promise<string> => {
    runs++
    begun.open(undefined)
    return result.promise
  }
  return { factory, begun: begun.promise, open: result.open, fail: result.fail, runs: () => runs }
}

describe('a load shared by processes', () => {
  it('runs one factory for cold callers in all of them', async () => {
    const { cache, other, clock } = clocked()
    const caches = [cache, other(), other(), other()]
    const slow = slowFactory()
    const got = Promise.all(caches.flatMap((each) => Array.from({ length: 250 }, () => each.getOrSet('k', slow.factory))))
    await slow.begun
    await clock.advance(1_000)
    slow.open('value')
    await clock.advance(1_000)
    expect(new Set(await got)).toEqual(new Set(['value']))
    expect(slow.runs()).toBe(1)
    expect(caches.reduce((sum, each) => sum + (each.stats().namespaces.things?.factoryRuns ?? 0), 0)).toBe(1)
  })

  it('is shared for a stale or invalidated entry, too', async () => {
    const { cache, other, clock } = clocked({ policy: { ttlMs: 1_000, graceMs: 60_000 } })
    const second = other()
    for (const spoil of [(): Promise<unknown> => clock.advance(2_000), (): Promise<unknown> => cache.invalidateTags(['x'])]) {
      await cache.set('k', 'old', { tags: ['x'] })
      await spoil()
      const slow = slowFactory()
      const got = Promise.all([cache, second].map((each) => each.getOrSet('k', slow.factory, { tags: ['x'] })))
      await slow.begun
      await clock.advance(300)
      slow.open('new')
      await clock.advance(500)
      expect([await got, slow.runs()]).toEqual([['new', 'new'], 1])
    }
  })

  it('14: goes to the next process at once when the factory fails, and nothing stays locked', async () => {
    const { cache, other, clock } = clocked()
    const slow = slowFactory()
    const failed = expect(cache.getOrSet('k', slow.factory)).rejects.toThrow('origin down')
    await slow.begun
    const next = other().getOrSet('k', () => 'by the next')
    await clock.advance(20)
    slow.fail(new Error('origin down'))
    await failed
    await clock.advance(300)
    expect(await next).toBe('by the next')
  })

  it('14: is given back when the last caller leaves, when the result is not stored, and when the tier refuses it', async () => {
    const { cache, other, l2, clock } = clocked()
    const leaver = new AbortController()
    const slow = slowFactory()
    const left = expect(cache.getOrSet('k', slow.factory, { signal: leaver.signal })).rejects.toThrow('left')
    await slow.begun
    leaver.abort(new Error('left'))
    await left
    await clock.advance(1)
    const second = other()
    expect(await second.getOrSet('k', (context) => (context.adapt({ skip: true }), 'skipped'))).toBe('skipped')
    await clock.advance(1)
    l2.fail('rejects', ['fill'])
    expect(await cache.getOrSet('k', () => 'refused')).toBe('refused')
    l2.heal()
    await clock.advance(1)
    const third = other()
    await second.delete('k')
    expect(await third.getOrSet('k', () => 'stored')).toBe('stored')
  })

  it('16: a process that falls silent holds up the others for leaseMs, not for ever', async () => {
    const { cache, other, l2, clock } = clocked({ policy: { leaseMs: 1_000, factoryTimeoutMs: 600_000, leaseWaitMs: 600_000 } })
    const slow = slowFactory()
    const got = cache.getOrSet('k', slow.factory)
    await slow.begun
    // Renewals that never arrive are those of a process that has died.
    l2.fail('hangs', ['lease'])
    const next = other().getOrSet('k', () => 'by the next')
    await clock.advance(3_000)
    expect(await next).toBe('by the next')
    slow.open('late')
    await clock.advance(200)
    expect([await got, await value(other())]).toEqual(['late', 'by the next'])
  })

  it('lasts longer than leaseMs while its process renews it', async () => {
    const { cache, other, clock } = clocked({ policy: { leaseMs: 1_000 } })
    const slow = slowFactory()
    const got = cache.getOrSet('k', slow.factory)
    await slow.begun
    let second = 0
    const waiting = other().getOrSet('k', () => `second ${++second}`)
    await clock.advance(20_000)
    slow.open('first')
    await clock.advance(500)
    expect([await got, await waiting, second]).toEqual(['first', 'first', 0])
  })

  it('16: is not waited for longer than leaseWaitMs', async () => {
    const { cache, other, clock } = clocked({ policy: { leaseWaitMs: 2_000 } })
    const slow = slowFactory()
    const got = cache.getOrSet('k', slow.factory)
    await slow.begun
    const second = other().getOrSet('k', () => 'own')
    await clock.advance(2_500)
    expect(await second).toBe('own')
    slow.open('late')
    expect(await got).toBe('late')
  })

  it('16: two processes that load each other’s keys in opposite order do not lock each other up', async () => {
    const { cache, other, clock } = clocked({ policy: { factoryTimeoutMs: 5_000 } })
    const second = other()
    const nested = (each: Cache, outer: string, inner: string): Promise<unknown> =>
      each.getOrSet(outer, async () => `${outer}(${String(await each.getOrSet(inner, () => inner))})`)
    const both = Promise.allSettled([nested(cache, 'a', 'b'), nested(second, 'b', 'a')])
    await clock.advance(20_000)
    expect((await both).length).toBe(2)
    expect([await cache.getOrSet('a', () => 'free'), await second.getOrSet('b', () => 'free')]).toHaveLength(2)
    await clock.advance(20_000)
  })

  it('S3: goes on for a stale entry whose grace ends while it is refreshed, and its result is stored', async () => {
    const { cache, other, clock } = clocked({ policy: { ttlMs: 1_000, graceMs: 2_000, tiers: ['l2', 'l3'] } })
    const second = other()
    await cache.set('k', 'old')
    await clock.advance(2_500)
    const slow = slowFactory()
    const first = cache.getOrSet('k', slow.factory)
    await slow.begun
    await clock.advance(5_000)
    const waiting = second.getOrSet('k', slow.factory)
    await clock.advance(2_000)
    slow.open('new')
    await clock.advance(500)
    expect([await first, await waiting, slow.runs()]).toEqual(['new', 'new', 1])
    expect(await value(other())).toBe('new')
  })

  it('is ended by a delete: who comes after does not wait for what began before', async () => {
    const { cache, other } = clocked()
    const slow = slowFactory()
    const got = cache.getOrSet('k', slow.factory)
    await slow.begun
    const second = other()
    await second.delete('k')
    expect(await second.getOrSet('k', () => 'new')).toBe('new')
    slow.open('old')
    expect([await got, await value(second), await value(other())]).toEqual(['old', 'new', 'new'])
  })

  it('is not shared, but still works, where the tier is away', async () => {
    const { cache, other, l2 } = clocked()
    l2.fail('down')
    expect(await Promise.all([cache.getOrSet('k', () => 1), other().getOrSet('k', () => 2)])).toEqual([1, 2])
  })

  it('does not keep stop() waiting for another process', async () => {
    const { cache, other, clock } = clocked()
    const slow = slowFactory()
    const got = cache.getOrSet('k', slow.factory)
    await slow.begun
    const second = other()
    const leaver = new AbortController()
    const waiting = expect(second.getOrSet('k', () => 'x', { signal: leaver.signal })).rejects.toThrow()
    await clock.advance(50)
    leaver.abort()
    await waiting
    await second.start()
    await second.stop()
    slow.open('v')
    await got
    await cache.start()
    await cache.stop()
    expect(clock.pendingTimers).toBe(0)
  })
})
