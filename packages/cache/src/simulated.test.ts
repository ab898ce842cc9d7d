import { describe, expect, it } from 'vitest'
import { bench, gate, value } from '../test/fault-bench.ts'

/** What the simulator has found: each schedule reduced to what matters of it. */

describe('found by simulation', () => {
  it('S1: a load that waits for another process while a set passes does not end in memory over what was set', async () => {
    const { cache, other, l2, clock } = bench({ clocked: true, guard: { budgetMs: 5_000 } })
    const elsewhere = gate<string>()
    const second = other()
    const producing = second.getOrSet('k', () => elsewhere.promise)
    await clock.advance(1)
    const waiting = cache.getOrSet('k', () => 'not asked')
    await clock.advance(1)
    await second.set('k', 'old')
    // So that this process knows of it already, and is not told to drop what it keeps from now on.
    await cache.delete('unrelated')
    const writing = l2.hold('write')
    const set = cache.set('k', 'new')
    await writing.reached
    await clock.advance(500)
    expect(await waiting).toBe('old')
    writing.release()
    expect(await set).toEqual({ outcome: 'done' })
    expect(await value(cache)).toBe('new')
    elsewhere.open('older')
    await producing
    expect(await value(cache)).toBe('new')
  })

  it('S2: who joins a load when the clock is out of reach is not given a fallback that was found long before', async () => {
    const { cache, other, l2, l3, clock } = bench({ clocked: true, policy: { ttlMs: 1_000, graceMs: 60_000 } })
    const second = other()
    await cache.set('k', 'old')
    await clock.advance(1_500)
    const source = gate<string>()
    const first = cache.getOrSet('k', () => source.promise)
    await clock.advance(1)
    l2.deafen()
    await second.delete('k')
    l2.fail('down')
    l3.fail('down')
    await clock.advance(5_000)
    const late = cache.getOrSet('k', () => source.promise)
    await clock.advance(1)
    source.fail(new Error('the source is down'))
    await expect(late).rejects.toThrow('the source is down')
    await first.catch(() => {})
  })

  it('S2: who asks when the clock is out of reach does not join a load that began long before', async () => {
    const { cache, other, l2, clock } = bench({ clocked: true })
    const second = other()
    const [slow, quick] = [gate<string>(), gate<string>()]
    const first = cache.getOrSet('k', () => slow.promise)
    await clock.advance(1)
    await second.delete('k')
    l2.fail('down')
    await clock.advance(1_000)
    const joining = cache.getOrSet('k', () => 'not asked')
    await clock.advance(4_000)
    const late = cache.getOrSet('k', () => quick.promise)
    await clock.advance(1)
    quick.open('new')
    slow.open('old')
    expect(await Promise.all([first, joining, late])).toEqual(['old', 'old', 'new'])
  })
})
