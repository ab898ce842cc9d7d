import { describe, expect, it } from 'vitest'
import { bench, gate, value, type Bench } from '../test/fault-bench.ts'
import type { Cache } from './cache.ts'

/** With `random` at a half and loads of 1,000 ms, the last 693 ms of a value's life are time for the next one. */
const eager = (options: Parameters<typeof bench>[0] = {}): Bench =>
  bench({ clocked: true, ...options, policy: { ttlMs: 10_000, graceMs: 5_000, refreshAhead: 1, ...options.policy } })

/** Loads a value in 1,000 ms, so that the cost is known. */
async function load({ clock }: Bench, cache: Cache, loaded = 'old'): Promise<void> {
  const origin = gate<string>()
  const got = cache.getOrSet('k', () => origin.promise)
  await clock.advance(1_000)
  origin.open(loaded)
  await got
}

describe('refresh ahead', () => {
  it('loads a value anew before its end, while callers go on getting the one that is there', async () => {
    const world = eager()
    const { cache, clock, other } = world
    await load(world, cache)
    await clock.advance(9_200)
    expect(await cache.getOrSet('k', () => 'too early')).toBe('old')
    await clock.advance(200)
    const origin = gate<string>()
    let runs = 0
    const refresh = (): Promise<string> => (runs++, origin.promise)
    for (let call = 0; call < 10; call++) expect(await cache.getOrSet('k', refresh)).toBe('old')
    await clock.advance(1)
    expect(await cache.getOrSet('k', refresh)).toBe('old')
    origin.open('new')
    await clock.advance(10)
    expect([runs, await cache.getOrSet('k', () => 'not run'), await value(other())]).toEqual([1, 'new', 'new'])
    await clock.advance(9_000)
    expect(await value(cache)).toBe('new')
  })

  it('is one process’ work: the lease decides whose', async () => {
    const world = eager()
    const { cache, clock, other } = world
    const second = other()
    await load(world, cache)
    await second.getOrSet('k', () => 'not run')
    const cost = gate<string>()
    const measured = second.getOrSet('cost', () => cost.promise)
    await clock.advance(1_000)
    cost.open('measured')
    await measured
    await clock.advance(8_450)
    const origin = gate<string>()
    let runs = 0
    const refresh = (): Promise<string> => (runs++, origin.promise)
    expect(await Promise.all([cache, second].map((each) => each.getOrSet('k', refresh)))).toEqual(['old', 'old'])
    await clock.advance(10)
    expect(runs).toBe(1)
    origin.open('new')
    await clock.advance(10)
    expect(await value(other())).toBe('new')
  })

  it('8: slower than the rest of the life is joined by whoever misses, and its result is not the old value', async () => {
    const world = eager()
    const { cache, clock, other } = world
    await load(world, cache)
    await clock.advance(9_500)
    const origin = gate<string>()
    expect(await cache.getOrSet('k', () => origin.promise)).toBe('old')
    await clock.advance(4_000)
    const missed = cache.getOrSet('k', () => 'not run')
    await clock.advance(1)
    origin.open('new')
    expect([await missed, await value(cache), await value(other())]).toEqual(['new', 'new', 'new'])
  })

  it('7: backs off when it fails, from then on and longer each time, and nobody is told but the events', async () => {
    const world = eager({ policy: { ttlMs: 10_000, refreshAhead: 100, retryAfterMs: 1_000 } })
    const { cache, clock } = world
    await load(world, cache)
    let runs = 0
    const failing = async (): Promise<never> => {
      runs++
      throw new Error('origin down')
    }
    const errors: string[] = []
    cache.on('error', ({ error }) => errors.push(error.message))
    const runsAfter: number[] = []
    for (const waitMs of [0, 500, 600, 1_500, 600]) {
      await clock.advance(waitMs)
      for (let call = 0; call < 5; call++) expect(await cache.getOrSet('k', failing)).toBe('old')
      await clock.advance(1)
      runsAfter.push(runs)
    }
    expect(runsAfter).toEqual([1, 1, 2, 2, 3])
    expect(errors).toEqual(['origin down', 'origin down', 'origin down'])
  })

  it('1: a delete during it keeps what it brings out of every tier', async () => {
    const world = eager()
    const { cache, clock, other } = world
    await load(world, cache)
    await clock.advance(9_500)
    const origin = gate<string>()
    await cache.getOrSet('k', () => origin.promise)
    await clock.advance(1)
    await other().delete('k')
    origin.open('older')
    await clock.advance(5_000)
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
  })

  it('works in memory alone, and not at all unless asked for', async () => {
    for (const refreshAhead of [1, 0]) {
      const world = eager({ tiers: [], policy: { refreshAhead } })
      const { cache, clock } = world
      await load(world, cache)
      await clock.advance(9_500)
      expect(await cache.getOrSet('k', () => 'new')).toBe('old')
      await clock.advance(1)
      expect(await value(cache)).toBe(refreshAhead === 1 ? 'new' : 'old')
    }
  })
})
