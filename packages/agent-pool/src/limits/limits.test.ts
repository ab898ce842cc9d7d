import { TestClock } from '@cidadao/contracts'
import { afterEach, describe, expect, it } from 'vitest'
import { rejection, settle } from '../../test/fixtures/pool-kit.ts'
import { scriptedAgent, startTestPool } from '../testing/index.ts'
import { createAdaptiveLimit, type AdaptiveLimit } from './adaptive-limit.ts'
import { memoryRateLimitStore, type RateLimitStore } from './rate-limit.ts'
import { RateLimiter } from './rate-limiter.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

function feed(limit: AdaptiveLimit, runs: number, runMs: number, overloaded = false): number {
  for (let run = 0; run < runs; run++) limit.observe({ runMs, inFlight: limit.limit, overloaded })
  return limit.limit
}

describe('adaptive concurrency', () => {
  it('AIMD climbs by one a round while all goes well, and falls by a tenth at each failure', () => {
    const limit = createAdaptiveLimit({ algorithm: 'aimd', initial: 10 }, 20)
    expect(feed(limit, 11, 5)).toBe(11)
    expect(feed(limit, 1_000, 5)).toBe(20)
    expect(feed(limit, 3, 5, true)).toBe(14)
    expect(feed(limit, 1_000, 5, true)).toBe(1)
  })

  it('AIMD learns nothing from a limit that is not used', () => {
    const limit = createAdaptiveLimit({ algorithm: 'aimd', initial: 4 }, 20)
    for (let run = 0; run < 1_000; run++) limit.observe({ runMs: 5, inFlight: 2, overloaded: false })
    expect(limit.limit).toBe(4)
  })

  it('Gradient2 climbs while runs take as long as ever, falls when they take longer, and climbs again', () => {
    const limit = createAdaptiveLimit({ algorithm: 'gradient2', initial: 4, min: 2 }, 40)
    expect(feed(limit, 200, 10)).toBe(40)
    const slow = feed(limit, 40, 200)
    expect(slow).toBeLessThan(10)
    expect(slow).toBeGreaterThanOrEqual(2)
    expect(feed(limit, 400, 10)).toBe(40)
  })

  it('lets a pool run fewer at once after failures in passing, and shows how many', async () => {
    const clock = new TestClock()
    const error = Object.assign(new Error('busy'), { transient: true })
    const scripts = [
      [
        { does: 'wait', ms: 10 },
        { does: 'throw', error },
      ],
    ] as const
    const agent = scriptedAgent({ name: 'busy', clock, scripts, slots: 8, adaptive: { algorithm: 'aimd', initial: 8 } })
    const { pool, advance, stop } = await startTestPool({ agents: [agent.definition], clock })
    stops.push(stop)
    const results = Promise.all(Array.from({ length: 40 }, () => rejection(pool.run('busy', null))))
    await advance(1)
    expect(pool.stats().agents[0]).toMatchObject({ slots: 8, limit: 8, running: 8, queued: 32 })
    await advance(11)
    expect(pool.stats().agents[0]?.limit).toBeLessThan(4)
    await advance(1_000)
    expect(await results).toHaveLength(40)
    expect(pool.stats().agents[0]).toMatchObject({ limit: 1, running: 0 })
  })
})

describe('a rate limit', () => {
  const portal = { perSecond: 10, burst: 2 }
  const limiterWith = (clock: TestClock, store?: RateLimitStore, failures: string[] = []) =>
    new RateLimiter({ limits: { portal }, store, clock, onStoreFailed: (upstream) => failures.push(upstream) })

  it('lets a burst pass and the rest in order, at the rate of the upstream', async () => {
    const clock = new TestClock()
    const limiter = limiterWith(clock)
    const { signal } = new AbortController()
    const granted: string[] = []
    for (let call = 0; call < 5; call++)
      void limiter.acquire('portal', 1, signal).then(() => granted.push(`${call}@${clock.monotonicMs()}`))
    await clock.advance(1_000)
    expect(granted).toEqual(['0@0', '1@0', '2@100', '3@200', '4@300'])
  })

  it('does not let small wants overtake a large one', async () => {
    const clock = new TestClock()
    const limiter = limiterWith(clock)
    const { signal } = new AbortController()
    const granted: string[] = []
    for (const [name, tokens] of [
      ['a', 2],
      ['large', 2],
      ['small', 1],
    ] as const) {
      void limiter.acquire('portal', tokens, signal).then(() => granted.push(name))
    }
    await clock.advance(1_000)
    expect(granted).toEqual(['a', 'large', 'small'])
  })

  it('passes over who gives up, and takes no token for it', async () => {
    const clock = new TestClock()
    const limiter = limiterWith(clock)
    const abort = new AbortController()
    const { signal } = new AbortController()
    await limiter.acquire('portal', 2, signal)
    const given = rejection(limiter.acquire('portal', 1, abort.signal))
    const next = limiter.acquire('portal', 1, signal).then(() => clock.monotonicMs())
    await settle()
    abort.abort(new Error('enough'))
    expect((await given).message).toBe('enough')
    await clock.advance(100)
    expect(await next).toBe(100)
  })

  it('refuses an upstream that it does not know and more than ever fits', async () => {
    const limiter = limiterWith(new TestClock())
    const { signal } = new AbortController()
    expect((await rejection(limiter.acquire('other', 1, signal))).message).toContain('rateLimits')
    expect((await rejection(limiter.acquire('portal', 3, signal))).message).toContain('burst of 2')
  })

  it('goes by a count of this process, and says so, while the shared store does not answer', async () => {
    const clock = new TestClock()
    const failures: string[] = []
    const limiter = limiterWith(clock, { take: async () => Promise.reject(new Error('redis is away')) }, failures)
    const { signal } = new AbortController()
    await limiter.acquire('portal', 2, signal)
    const third = limiter.acquire('portal', 1, signal).then(() => clock.monotonicMs())
    await clock.advance(1_000)
    expect(await third).toBe(100)
    expect(failures).toEqual(['portal', 'portal', 'portal'])
  })

  it('counts all or nothing', async () => {
    const clock = new TestClock()
    const store = memoryRateLimitStore(clock)
    expect(await store.take('b', portal, 1)).toEqual({ granted: true })
    expect(await store.take('b', portal, 2)).toEqual({ granted: false, retryAfterMs: 100 })
    expect(await store.take('b', portal, 1)).toEqual({ granted: true })
  })
})
