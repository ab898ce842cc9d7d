import { TestClock, type StandardSchema } from '@cidadao/contracts'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { faultyTier } from '../test/faulty-tier.ts'
import { createCache } from './cache.ts'
import type { CacheOptions } from './cache-options.ts'
import type { Lookup } from './lookup.ts'
import { definePolicy } from './policy.ts'
import { SEED_POLICY_NAMES, seedPolicies } from './seed-policies.ts'
import { memoryTier } from './tiers/memory-tier.ts'
import type { Tier } from './tiers/tier.ts'

interface Contract {
  readonly id: string
  readonly value: string
}

const contractSchema: StandardSchema<unknown, Contract> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof (value as Contract | null)?.value === 'string'
        ? { value: value as Contract }
        : { issues: [{ message: 'no value', path: ['value'] }] },
  },
}

function setUp(options: CacheOptions = {}) {
  const clock = new TestClock()
  const shared = faultyTier(memoryTier({ clock, name: 'redis' }))
  return { clock, shared, cache: createCache({ clock, tiers: [shared], ...options }) }
}

describe('policies', () => {
  it('are those of the platform, with its lifetimes, from three settings', () => {
    const policies = seedPolicies()
    expect(SEED_POLICY_NAMES.map((name) => [name, policies[name].ttlMs])).toEqual([
      ['investigation_results', 3_600_000],
      ['api_responses', 1_800_000],
      ['user_sessions', 300_000],
      ['reference_data', 86_400_000],
    ])
    expect(seedPolicies({ shortMs: 600_000 }).user_sessions.ttlMs).toBe(600_000)
  })

  it('are looked up by name, and an unknown name is an error', () => {
    const { cache } = setUp({ policies: Object.values(seedPolicies()) })
    expect(cache.namespace('api_responses').name).toBe('api_responses')
    expect(() => cache.namespace('api_response')).toThrow(expect.objectContaining({ code: 'CACHE_POLICY_UNKNOWN' }))
  })

  it('of one name cannot be two', () => {
    const { cache } = setUp()
    const policy = definePolicy({ name: 'x', ttlMs: 1_000 })
    expect(cache.namespace(policy)).toBe(cache.namespace(policy))
    expect(() => cache.namespace(definePolicy({ name: 'x', ttlMs: 2_000 }))).toThrow(/another policy has that name/)
  })

  it('put sessions into shared tiers only, and refuse to do so silently nowhere', async () => {
    const { user_sessions } = seedPolicies()
    const { cache, shared } = setUp()
    const sessions = cache.namespace(user_sessions)
    await sessions.set('s', { user: 1 })
    expect(sessions.peek('s').outcome).toBe('miss')
    expect(
      await createCache({ tiers: [shared] })
        .namespace(user_sessions)
        .get('s'),
    ).toMatchObject({ outcome: 'hit', tier: 'redis' })
    await sessions.delete('s')
    expect(
      (
        await createCache({ tiers: [shared] })
          .namespace(user_sessions)
          .get('s')
      ).outcome,
    ).toBe('miss')
    expect(() => createCache().namespace(user_sessions)).toThrow(expect.objectContaining({ code: 'CACHE_POLICY_UNSERVED' }))
  })

  it('apply their own lifetime without the caller passing any', async () => {
    const { cache, clock } = setUp()
    const sessions = cache.namespace(seedPolicies().user_sessions)
    await sessions.set('s', 1)
    await clock.advance(299_999)
    expect((await sessions.get('s')).outcome).toBe('hit')
    await clock.advance(1)
    expect((await sessions.get('s')).outcome).toBe('miss')
  })

  it('carry the type of their values to the call', () => {
    const { cache } = setUp()
    const typed = cache.namespace(definePolicy<Contract>({ name: 'typed', ttlMs: 1_000 }))
    const checked = cache.namespace(definePolicy({ name: 'checked', ttlMs: 1_000, schema: contractSchema }))
    const nullable = cache.namespace(definePolicy<Contract>({ name: 'nullable', ttlMs: 1_000, negativeTtlMs: 1_000 }))
    expectTypeOf(typed.get).returns.resolves.toEqualTypeOf<Lookup<Contract>>()
    expectTypeOf(checked.getOrSet).returns.resolves.toEqualTypeOf<Contract>()
    expectTypeOf(nullable.getOrSet).returns.resolves.toEqualTypeOf<Contract | undefined>()
    expectTypeOf(typed.set).parameter(1).toEqualTypeOf<Contract>()
    expect([typed.name, checked.name, nullable.name]).toEqual(['typed', 'checked', 'nullable'])
  })

  it('cut lifetimes by chance, downwards only, so that what was stored together does not expire together', async () => {
    const draws = [0, 0.5, 0.999]
    const { cache, shared } = setUp({
      random: () => draws.shift() ?? 0,
      defaultPolicy: definePolicy({ name: 'd', ttlMs: 100_000, jitter: 0.1 }),
    })
    const left: number[] = []
    for (const key of ['a', 'b', 'c']) {
      await cache.set(key, 1)
      left.push((await shared.read({ namespace: 'default/v1/d', id: `default/v1/d/${key}` })).entry?.remainingMs ?? 0)
    }
    expect(left).toEqual([100_000, 95_000, 90_010])
  })

  it('check values by their schema when written and when they come from another process', async () => {
    const { cache, shared, clock } = setUp()
    const policy = definePolicy({ name: 'contracts', ttlMs: 60_000, schema: contractSchema })
    const contracts = cache.namespace(policy)
    const wrong = { id: '1' } as unknown as Contract
    await expect(contracts.set('k', wrong)).rejects.toMatchObject({
      code: 'CACHE_VALUE_INVALID',
      message: expect.stringContaining('value: no value') as string,
    })
    await expect(contracts.getOrSet('k', () => wrong)).rejects.toMatchObject({ code: 'CACHE_VALUE_INVALID' })
    const careless = createCache({ tiers: [shared], clock }).namespace(definePolicy({ name: 'contracts', ttlMs: 60_000 }))
    await careless.set('k', wrong)
    expect((await contracts.get('k')).outcome).toBe('miss')
    expect(cache.stats().namespaces.contracts?.badEntries).toEqual({ schema: 1 })
  })

  it.each([
    [{ name: 'a b', ttlMs: 1 }, 'CACHE_OPTION_INVALID'],
    [{ name: 'a*', ttlMs: 1 }, 'CACHE_OPTION_INVALID'],
    [{ name: 'a', ttlMs: 1, jitter: 2 }, 'CACHE_OPTION_INVALID'],
    [{ name: 'a', ttlMs: 1, tiers: [] }, 'CACHE_OPTION_INVALID'],
    [{ name: 'a', ttlMs: 1, graceMs: -1 }, 'CACHE_TTL_INVALID'],
    [{ name: 'a', ttlMs: 1, memoryTtlMs: 0 }, 'CACHE_TTL_INVALID'],
  ])('refuse what cannot work: %j', (options, code) => {
    expect(() => definePolicy(options)).toThrow(expect.objectContaining({ code }))
  })
})

describe('remembered absence', () => {
  const policy = definePolicy<string>({ name: 'people', ttlMs: 60_000, negativeTtlMs: 5_000, jitter: 0 })

  it('is a hit with the value undefined, for its own shorter time, in every tier', async () => {
    const { cache, clock, shared } = setUp()
    const people = cache.namespace(policy)
    let runs = 0
    const absent = (): undefined => {
      runs++
    }
    expect([await people.getOrSet('k', absent), await people.getOrSet('k', absent), runs]).toEqual([undefined, undefined, 1])
    expect(
      await createCache({ clock, tiers: [shared] })
        .namespace(policy)
        .get('k'),
    ).toMatchObject({ outcome: 'hit', value: undefined })
    await clock.advance(5_000)
    expect((await people.get('k')).outcome).toBe('miss')
  })

  it('is refused without a policy for it', async () => {
    const { cache } = setUp()
    await expect(cache.set('k', undefined)).rejects.toMatchObject({ code: 'CACHE_VALUE_INVALID' })
    expect((await cache.get('k')).outcome).toBe('miss')
  })
})

describe('a factory', () => {
  it('may change the lifetime of its result, or have it not stored', async () => {
    const { cache, clock } = setUp()
    await cache.getOrSet('short', (context) => (context.adapt({ ttlMs: 1_000 }), 'v'))
    await clock.advance(1_000)
    expect((await cache.get('short')).outcome).toBe('miss')
    expect(await cache.getOrSet('skipped', (context) => (context.adapt({ skip: true }), 'v'))).toBe('v')
    expect((await cache.get('skipped')).outcome).toBe('miss')
    await expect(cache.getOrSet('bad', (context) => (context.adapt({ ttlMs: 0 }), 'v'))).rejects.toMatchObject({
      code: 'CACHE_TTL_INVALID',
    })
  })

  it('is given the expired value', async () => {
    const { cache, clock } = setUp({ defaultPolicy: definePolicy({ name: 'd', ttlMs: 1_000, graceMs: 60_000, jitter: 0 }) })
    await cache.set('k', 'old')
    await clock.advance(2_000)
    expect(await cache.getOrSet('k', ({ stale }) => ({ was: stale }))).toEqual({ was: { value: 'old', ageMs: 2_000 } })
  })
})

describe('what an operator sees', () => {
  it('counts hits by tier, misses, sets and deletes, and the snapshot is not the live object', async () => {
    const { cache, shared, clock } = setUp()
    await cache.set('k', 1)
    await cache.get('k')
    await cache.get('absent')
    const cold = createCache({ tiers: [shared], clock })
    await cold.get('k')
    const before = cold.stats()
    await cold.get('k')
    await cold.delete('k')
    expect(before.namespaces.default).toMatchObject({ hits: { memory: 0, redis: 1 }, misses: 0, deletes: 0 })
    expect(cold.stats().namespaces.default).toMatchObject({ hits: { memory: 1, redis: 1 }, deletes: 1 })
    expect(cache.stats().namespaces.default).toMatchObject({ hits: { memory: 1 }, misses: 1, sets: 1 })
    expect(cache.stats().tiers.redis).toMatchObject({ operations: 2, failures: 0 })
  })

  it('is told of lookups, sets, states and errors by events without keys', async () => {
    const { cache, shared, clock } = setUp()
    const seen: unknown[] = []
    for (const name of ['lookup', 'set', 'delete', 'factory', 'tier-state', 'error'] as const) {
      cache.on(name, (payload) => seen.push({ name, ...payload }))
    }
    await cache.getOrSet('secret-key', () => 1)
    await cache.get('secret-key')
    shared.fail('down')
    await Promise.all([cache.set('secret-key', 2), cache.set('secret-key-2', 2)])
    shared.heal()
    await clock.advance(1_000)
    expect(seen).toMatchObject([
      { name: 'lookup', outcome: 'miss' },
      { name: 'factory', outcome: 'ok' },
      { name: 'set', source: 'factory', outcome: 'done' },
      { name: 'lookup', outcome: 'hit', tier: 'memory' },
      { name: 'error', operation: 'write', tier: 'redis' },
      { name: 'tier-state', from: 'ok', to: 'open', cause: { code: 'CACHE_UNAVAILABLE' } },
      { name: 'set', source: 'set', outcome: 'pending' },
      { name: 'set', source: 'set', outcome: 'pending' },
      { name: 'tier-state', from: 'open', to: 'half-open' },
      { name: 'tier-state', from: 'half-open', to: 'ok' },
    ])
    expect(JSON.stringify(seen)).not.toContain('secret-key')
  })

  it('sees a slow tier as slow', async () => {
    const { cache, shared, clock } = setUp({ guard: { budgetMs: 1_000, slowMs: 20 } })
    for (let call = 0; call < 3; call++) {
      const held = shared.hold('read')
      const reading = cache.get(`k${call}`)
      await held.reached
      await clock.advance(200)
      held.release()
      await reading
    }
    expect(cache.status().tiers).toMatchObject([{ name: 'redis', state: 'slow' }])
  })

  it('has memory bounded by entries and by bytes, and evictions counted', async () => {
    const cache = createCache({ memory: { maxEntries: 100, maxBytes: 100_000 } })
    const evicted: string[] = []
    cache.on('evict', ({ reason }) => evicted.push(reason))
    for (let index = 0; index < 500; index++) await cache.set(`k${index}`, 'x'.repeat(100))
    expect(cache.stats().memory).toMatchObject({ entries: 100, evictions: 400 })
    for (let index = 0; index < 50; index++) await cache.set(`big${index}`, 'x'.repeat(10_000))
    expect(cache.stats().memory.bytes).toBeLessThanOrEqual(100_000)
    await cache.set('big0', 'x'.repeat(200_000))
    expect([evicted.at(-1), cache.peek('big0').outcome]).toEqual(['too-large', 'miss'])
  })
})

describe('the service', () => {
  it('starts its tiers, stops those already started when a later one fails, and may be stopped twice', async () => {
    const calls: string[] = []
    const tier = (name: string, failure?: Error): Tier => ({
      ...faultyTier(memoryTier({ name })),
      start: async () => {
        if (failure !== undefined) throw failure
        calls.push(`start ${name}`)
      },
      stop: async () => void calls.push(`stop ${name}`),
    })
    const broken = createCache({ tiers: [tier('a'), tier('b', new Error('no'))] })
    await expect(broken.start()).rejects.toThrow('no')
    const sound = createCache({ tiers: [tier('c')] })
    await sound.stop()
    await sound.start()
    await sound.stop()
    await sound.stop()
    expect(calls).toEqual(['start a', 'stop a', 'start c', 'stop c'])
  })

  it('waits for what is under way when it stops, and leaves no timer', async () => {
    const { cache, shared, clock } = setUp()
    const held = shared.hold('write')
    const setting = cache.set('k', 'v')
    await cache.start()
    await held.reached
    const stopped = cache.stop()
    held.release()
    await Promise.all([setting, stopped])
    expect(clock.pendingTimers).toBe(0)
  })

  it.each([
    [{ tiers: [memoryTier({ name: 'a' }), memoryTier({ name: 'a' })] }, /tiers must be uniquely named/],
    [{ tiers: [memoryTier({ name: 'memory' })] }, /tiers must be uniquely named/],
    [{ environment: 'a/b' }, /environment must match/],
    [{ guard: { budgetMs: 0 }, tiers: [memoryTier()] }, /budgetMs must be a finite number of at least 1, got 0/],
    [{ guards: { rediss: {} } }, /guards.rediss must be the name of a tier/],
    [{ memory: { maxEntries: Number.NaN } }, /memory.maxEntries must be a finite number/],
  ])('refuses options that cannot work: %o', (options: CacheOptions, message) => {
    expect(() => createCache(options)).toThrow(message)
  })
})

describe('many at once', () => {
  it('reads, writes and deletes in the order of the keys', async () => {
    const { cache } = setUp()
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`)
    expect(await cache.setMany(keys.map((key) => [key, key] as const))).toEqual({ outcome: 'done' })
    const found = await cache.getMany(['absent', ...keys])
    expect(found.map((lookup) => (lookup.outcome === 'hit' ? lookup.value : lookup.outcome))).toEqual(['miss', ...keys])
    expect(await cache.deleteMany(keys)).toEqual({ outcome: 'done', existed: true })
    expect(await cache.has('k1')).toBe(false)
  })
})
