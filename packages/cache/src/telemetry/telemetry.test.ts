import { channel } from 'node:diagnostics_channel'
import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { faultyTier } from '../../test/faulty-tier.ts'
import { createCache } from '../cache.ts'
import type { CacheEvents } from '../events.ts'
import { definePolicy } from '../policy.ts'
import { memoryTier } from '../tiers/memory-tier.ts'
import { cacheChannel } from './channels.ts'

function setUp(checkFraction = 0) {
  const clock = new TestClock()
  const shared = faultyTier(memoryTier({ clock, name: 'redis' }))
  const policy = definePolicy({ name: 'things', ttlMs: 60_000, jitter: 0, checkFraction })
  const make = () => createCache({ clock, random: () => 0.5, tiers: [shared], defaultPolicy: policy })
  const cache = make()
  const heard = <Name extends keyof CacheEvents>(name: Name, source = cache): CacheEvents[Name][] => {
    const payloads: CacheEvents[Name][] = []
    source.on(name, (payload) => payloads.push(payload))
    return payloads
  }
  return { clock, shared, cache, make, heard }
}

describe('operations', () => {
  it('are told with tier, outcome and duration', async () => {
    const { cache, clock, shared, heard } = setUp()
    const operations = heard('operation')
    const held = shared.hold('read')
    const reading = cache.get('k')
    await held.reached
    await clock.advance(7)
    held.release()
    await reading
    expect(operations).toEqual([{ tier: 'redis', operation: 'read', outcome: 'ok', durationMs: 7 }])
  })

  it('tell a failure from a spent budget', async () => {
    const { cache, clock, shared, heard } = setUp()
    const operations = heard('operation')
    shared.fail('rejects', ['write'])
    await cache.set('k', 1)
    const held = shared.hold('read')
    const reading = cache.get('k2')
    await held.reached
    await clock.advance(60)
    await reading
    expect(operations.map(({ operation, outcome }) => [operation, outcome])).toContainEqual(['write', 'failed'])
    expect(operations.map(({ operation, outcome }) => [operation, outcome])).toContainEqual(['read', 'timeout'])
  })
})

describe('joins', () => {
  it('are told and counted, one for each caller that waits for another one’s load', async () => {
    const { cache, heard } = setUp()
    const joins = heard('join')
    await Promise.all(Array.from({ length: 5 }, () => cache.getOrSet('k', async () => 1)))
    expect(joins).toEqual(Array.from({ length: 4 }, () => ({ namespace: 'things' })))
    expect(cache.stats().namespaces.things?.factoryJoins).toBe(4)
  })
})

describe('diagnostics channels', () => {
  it('carry every event of every cache, with no listener on any', async () => {
    const { cache, make } = setUp()
    const seen: unknown[] = []
    const subscriber = (message: unknown): void => void seen.push(message)
    channel(cacheChannel('lookup')).subscribe(subscriber)
    await cache.set('k', 1)
    await cache.get('k')
    await make().get('k')
    channel('cidadao.cache.lookup').unsubscribe(subscriber)
    await cache.get('k')
    expect(seen).toEqual([
      { namespace: 'things', outcome: 'hit', tier: 'memory' },
      { namespace: 'things', outcome: 'hit', tier: 'redis' },
    ])
  })
})

describe('checks against the origin', () => {
  it('tell how old what is served was when its origin had already changed', async () => {
    const { cache, clock, heard } = setUp(1)
    const checks = heard('check')
    await cache.getOrSet('k', () => 'old')
    await clock.advance(5_000)
    expect(await cache.getOrSet('k', () => 'new')).toBe('old')
    await cache.stop()
    await expect.poll(() => checks).toEqual([{ namespace: 'things', tier: 'memory', outcome: 'stale', ageMs: 5_000 }])
    expect(cache.stats().namespaces.things).toMatchObject({ checks: 1, staleChecks: 1, factoryRuns: 1 })
    expect(cache.peek('k')).toMatchObject({ value: 'old' })
  })

  it('compare hits of shared tiers, too, and by content', async () => {
    const { cache, make, heard } = setUp(1)
    await cache.set('k', { at: new Date(5), list: [1n] })
    const other = make()
    const checks = heard('check', other)
    await other.getOrSet('k', () => ({ at: new Date(5), list: [1n] }))
    await expect.poll(() => checks).toMatchObject([{ tier: 'redis', outcome: 'same' }])
  })

  it('fail without harm, and run one at a time', async () => {
    const { cache, heard } = setUp(1)
    const checks = heard('check')
    const errors = heard('error')
    await cache.set('k', 1)
    let runs = 0
    const failing = async (): Promise<number> => {
      runs++
      throw new Error('origin down')
    }
    expect(await Promise.all([cache.getOrSet('k', failing), cache.getOrSet('k', failing)])).toEqual([1, 1])
    await expect.poll(() => checks).toMatchObject([{ outcome: 'failed' }])
    expect([runs, errors[0]?.operation]).toEqual([1, 'check'])
  })

  it('are made of the part that the policy says, and of none by default', async () => {
    for (const fraction of [0, 0.5]) {
      const { cache, heard } = setUp(fraction)
      const checks = heard('check')
      await cache.set('k', 1)
      await cache.getOrSet('k', () => 2)
      await cache.stop()
      expect(checks).toEqual([])
    }
  })

  it.each([[-0.1], [1.1], [Number.NaN]])('refuse %s for a fraction', (checkFraction) => {
    expect(() => setUp(checkFraction)).toThrow(/checkFraction must be a number from 0 to 1/)
  })
})
