import { describe, expect, it, onTestFinished } from 'vitest'
import { bench, QUIET, value } from '../test/fault-bench.ts'
import { createCache } from './cache.ts'
import { definePolicy } from './policy.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

describe('outages', () => {
  it('40 and 45: a hanging tier costs its budget once, then nothing, and comes back by itself', async () => {
    const { cache, l2, l3, clock } = bench()
    l2.fail('hangs')
    l3.fail('hangs')
    const first = cache.getOrSet('k', () => 'v')
    await clock.advance(102)
    expect(await first).toBe('v')
    const before = clock.monotonicMs()
    expect(await cache.getOrSet('k2', () => 'v')).toBe('v')
    expect(await cache.set('k3', 'v')).toMatchObject({ outcome: 'pending', tiers: ['l3', 'l2'] })
    expect(clock.monotonicMs() - before).toBe(0)
    expect(cache.status().tiers.map((tier) => tier.state)).not.toContain('ok')
    l2.heal()
    l3.heal()
    await clock.advance(30_000)
    expect(cache.status().tiers).toMatchObject([
      { state: 'ok', repairsPending: 0 },
      { state: 'ok', repairsPending: 0 },
    ])
  })

  it('41: a write during an outage is never reported as done', async () => {
    const { cache, l2 } = bench()
    l2.fail('down')
    expect(await cache.set('k', 'v')).toMatchObject({ outcome: 'pending', cause: { code: 'CACHE_UNAVAILABLE' } })
    expect(await cache.delete('k')).toMatchObject({ outcome: 'pending', tiers: ['l2'] })
  })

  it('what was deleted during an outage stays deleted when the tier is back, before it is believed again', async () => {
    const { cache, l2, clock, other } = bench()
    await cache.set('k', 'old')
    l2.fail('down')
    await cache.delete('k')
    l2.heal()
    expect(await value(cache)).toBe('unavailable')
    await clock.advance(200)
    expect(cache.status().tiers[0]?.state).toBe('ok')
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
  })

  it('a tier drops what it missed before it is called ok', async () => {
    const { cache, l2, clock } = bench()
    const dropsWhenOk: number[] = []
    cache.on('tier-state', ({ to }) => {
      if (to === 'ok') dropsWhenOk.push(l2.calls.filter((call) => call === 'delete').length)
    })
    await cache.set('k', 'old')
    l2.fail('down')
    await cache.delete('k')
    l2.calls.length = 0
    l2.heal()
    await clock.advance(1_000)
    expect(dropsWhenOk).toEqual([1])
  })

  it('a tier that is alive but missed a write is not believed about that key', async () => {
    const { cache, l2 } = bench({ policy: { tiers: ['l2', 'l3'] } })
    await cache.set('k', 'old')
    l2.fail('rejects', ['write'])
    await cache.set('k', 'new')
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', tier: 'l3', value: 'new' })
    expect(await cache.getOrSet('k', () => 'not run')).toBe('new')
  })

  it('more invalidations than can be remembered cost misses, but revive nothing', async () => {
    const { cache, l2, clock, other } = bench({ guard: { maxRepairs: 10 } })
    const keys = Array.from({ length: 25 }, (_, index) => `k${index}`)
    await cache.setMany(keys.map((key) => [key, 'old'] as const))
    l2.fail('down')
    await cache.deleteMany(keys)
    expect(cache.status().tiers[0]?.repairsPending).toBeLessThanOrEqual(11)
    l2.heal()
    await clock.advance(1_000)
    const found = await other().getMany(keys)
    expect(found.filter((lookup) => lookup.outcome === 'hit')).toEqual([])
  })

  it('43: no failure of a tier becomes an unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    onTestFinished(() => void process.off('unhandledRejection', listener))
    const { cache, l2, l3, clock } = bench()
    for (const fault of ['down', 'rejects', 'hangs'] as const) {
      l2.fail(fault)
      l3.fail(fault)
      void cache.getOrSet('k', () => 'v', { signal: AbortSignal.abort() }).catch(() => {})
      const working = Promise.all([cache.getOrSet('k', () => 'v'), cache.set('s', 1), cache.delete('d'), cache.get('g'), cache.clear()])
      await clock.advance(20_000)
      await working
    }
    await cache.stop()
    await clock.advance(60_000)
    expect(unhandled).toEqual([])
  })

  it('44: tiers are asked one after the other, not in a race', async () => {
    const { cache, l2, l3 } = bench()
    await cache.set('k', 'v')
    l3.calls.length = 0
    await createCache({ tiers: [l2, l3], defaultPolicy: definePolicy(QUIET) }).get('k')
    expect(l3.calls).toEqual([])
  })

  it('6: what a later set has stored is not dropped for the sake of an earlier one that did not get through', async () => {
    const { cache, l2, clock, other } = bench()
    l2.fail('rejects', ['write'])
    expect(await cache.set('k', 'first')).toMatchObject({ outcome: 'pending' })
    l2.heal()
    expect(await cache.set('k', 'second')).toEqual({ outcome: 'done' })
    await clock.advance(1_000)
    expect(await other().get('k')).toMatchObject({ outcome: 'hit', tier: 'l2', value: 'second' })
  })

  it('a tier that refuses one operation is not taken for dead', async () => {
    const { cache, l2, clock, other } = bench()
    await cache.set('k', 'old')
    l2.fail('rejects', ['write'])
    expect(await cache.set('k', 'new')).toMatchObject({ outcome: 'pending' })
    expect(cache.status().tiers[0]?.state).toBe('ok')
    await clock.advance(200)
    expect(await value(other())).toBe('new')
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', tier: 'memory' })
  })
})
