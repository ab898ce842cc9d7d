import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createCache, definePolicy, type Cache } from '../src/index.ts'
import { postgresTier } from '../src/postgres/index.ts'
import { redisTier, type RedisConnection } from '../src/redis/index.ts'
import { primariesOf } from '../src/redis/redis-client.ts'
import type { Generation, Tier, TierFence } from '../src/tiers/tier.ts'
import { freshKey } from './tier-conformance.ts'
import { testPool, type TestPool } from './pg-pool.ts'
import { clusterConnection, singleConnection } from './redis-connections.ts'

const WAIT = { timeout: 15_000, interval: 50 }
const NEVER = '0' as Generation
const keys = Array.from({ length: 200 }, (_, index) => `chave ${index}`)
const entries = keys.map((key) => [key, { key }] as const)
const sharedOnly = (tier: string) => definePolicy({ name: 'bulk', ttlMs: 60_000, jitter: 0, tiers: [tier] })

async function everyWay(cache: Cache): Promise<void> {
  const bulk = cache.namespace('bulk')
  expect(await bulk.setMany(entries)).toEqual({ outcome: 'done' })
  const asked = ['absent', ...keys]
  const found = await bulk.getMany(asked)
  expect(found.map((lookup) => (lookup.outcome === 'hit' ? (lookup.value as { key: string }).key : lookup.outcome))).toEqual([
    'miss',
    ...keys,
  ])
  const obtained = await bulk.getOrSetMany(asked, async (wanted) => new Map(wanted.map((key) => [key, { loaded: key }])))
  expect(obtained.get('absent')).toEqual({ outcome: 'value', value: { loaded: 'absent' } })
  expect(await bulk.deleteMany(keys)).toMatchObject({ outcome: 'done', existed: true })
  expect(new Set((await bulk.getMany(keys)).map((lookup) => lookup.outcome))).toEqual(new Set(['miss']))
}

describe.each([
  ['single', singleConnection],
  ['cluster', clusterConnection],
] as const)('many at once on Redis %s', (mode, connect) => {
  let connection: RedisConnection
  let cache: Cache
  beforeAll(async () => {
    connection = await connect()
    const options = { environment: `bulk-${mode}-${process.pid}`, guard: { budgetMs: 5_000 }, policies: [sharedOnly('redis')] }
    cache = createCache({ ...options, tiers: [redisTier(connection)] })
  })
  afterAll(async () => {
    await cache.stop()
    await connection.stop()
  })

  it('47: are read, written, loaded and deleted, whatever slots they are in', () => everyWay(cache))

  it('48: are read in one write to each node, not one for each slot', async () => {
    await cache.namespace('bulk').setMany(entries)
    const writes = countWrites(connection)
    await cache.namespace('bulk').getMany(keys)
    expect(writes.count()).toBeGreaterThan(0)
    expect(writes.count()).toBeLessThanOrEqual(primariesOf(connection.client()).length + 2)
    writes.stop()
  })

  it('49: pushes about invalidated keys, as RESP3 brings them between replies, are taken for none', async () => {
    const nodes = primariesOf(connection.client())
    await Promise.all(nodes.map((node) => node.call('CLIENT', 'TRACKING', 'ON', 'BCAST')))
    const bulk = cache.namespace('bulk')
    await Promise.all([bulk.setMany(entries), bulk.getMany(keys), bulk.setMany(entries)])
    const found = await bulk.getMany(keys)
    expect(found.map((lookup) => lookup.outcome === 'hit' && lookup.value)).toEqual(keys.map((key) => ({ key })))
    await Promise.all(nodes.map((node) => node.call('CLIENT', 'TRACKING', 'OFF')))
  })

  it('do not fail together: one key of another type harms no other', async () => {
    const tier = redisTier(connection)
    const [good, wrong, absent] = [freshKey(), freshKey(), freshKey()]
    await connection.client().set(wrong.id, 'a string')
    await tier.write(good, { payload: Buffer.from('good'), ttlMs: 60_000 })
    const [first, second, third] = await Promise.allSettled([good, wrong, absent].map((key) => tier.read(key)))
    expect(first).toMatchObject({ status: 'fulfilled', value: { entry: { payload: Buffer.from('good') } } })
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'CACHE_TIER_REJECTED' } })
    expect(third).toMatchObject({ status: 'fulfilled', value: { entry: undefined } })
  })
})

describe('many at once on PostgreSQL', () => {
  let pool: TestPool
  const statements: string[] = []
  beforeAll(async () => {
    pool = await testPool()
  })
  afterAll(() => pool.end())

  function counted(): Cache & { readonly tier: Tier } {
    const query: TestPool['query'] = (text, values) => {
      statements.push(text)
      return pool.query(text, values)
    }
    const options = { guard: { budgetMs: 5_000 }, policies: [sharedOnly('postgres')] }
    const tier = postgresTier({ query })
    return { ...createCache({ ...options, tiers: [tier] }), tier }
  }

  it('are read, written, loaded and deleted', () => everyWay(counted()))

  it('are one statement a kind of work', async () => {
    const bulk = counted().namespace('bulk')
    const during = async (work: () => Promise<unknown>): Promise<number> => {
      statements.length = 0
      await work()
      return statements.filter((text) => text.includes('asked') || text.includes('unnest')).length
    }
    expect([
      await during(() => bulk.setMany(entries)),
      await during(() => bulk.getMany(keys)),
      await during(() => bulk.deleteMany(keys)),
    ]).toEqual([1, 1, 1])
  })

  it('are one statement for all windows and one for all fills, each key judged by itself', async () => {
    const tier = counted().tier
    const [fence, some] = [tier.fence, Array.from({ length: 50 }, freshKey)]
    if (fence === undefined) throw new Error('PostgreSQL has a fence')
    statements.length = 0
    const windows = await Promise.all([...some, ...some].map((key) => fence.read(key, 60_000)))
    expect(statements).toHaveLength(2)
    expect(windows.slice(50)).toEqual(windows.slice(0, 50))
    await Promise.all(some.slice(0, 10).map((key) => tier.delete(key)))
    statements.length = 0
    const fill = { payload: Buffer.from('filled'), ttlMs: 60_000 }
    const outcomes = await Promise.all(some.map((key, index) => fence.fill(key, fill, windows[index]?.generation ?? NEVER)))
    expect(statements).toHaveLength(1)
    expect(outcomes).toEqual(some.map((_, index) => (index < 10 ? 'superseded' : 'stored')))
    const read = await Promise.all(some.map((key) => tier.read(key)))
    expect(read.map(({ entry }) => entry?.payload.toString())).toEqual(some.map((_, index) => (index < 10 ? undefined : 'filled')))
    expect(await Promise.all(some.map((key, index) => fence.fill(key, fill, windows[index]?.generation ?? NEVER)))).not.toContain('stored')
  })

  it('windows opened together over entries that ended while they were refreshed leave the holders the right to fill', async () => {
    const { tier } = counted()
    const { fence, lease } = tier
    if (fence === undefined || lease === undefined) throw new Error('PostgreSQL has a fence and leases')
    const some = [freshKey(), freshKey(), freshKey()]
    await Promise.all(some.map((key) => tier.write(key, { payload: Buffer.from('stale'), ttlMs: 1_000 })))
    const before = await Promise.all(some.map((key) => fence.read(key, 60_000)))
    // Nobody refreshes the last.
    await Promise.all(some.slice(0, 2).map((key) => lease.acquire(key, { token: 'holder', leaseMs: 60_000 })))
    await vi.waitFor(
      async () => expect((await Promise.all(some.map((key) => tier.read(key)))).every(({ entry }) => entry === undefined)).toBe(true),
      WAIT,
    )
    await Promise.all(some.map((key) => fence.read(key, 60_000)))
    const fill = { payload: Buffer.from('fresh'), ttlMs: 60_000 }
    const outcomes = await Promise.all(some.map((key, index) => fence.fill(key, fill, before[index]?.generation ?? NEVER)))
    expect(outcomes).toEqual(['stored', 'stored', 'superseded'])
  })

  it('53: windows and fills in opposite orders by two processes do not deadlock, and one fill a window is stored', async () => {
    const tiers = [counted().tier, counted().tier]
    for (let round = 0; round < 5; round++) {
      const some = Array.from({ length: 100 }, freshKey)
      const orders = [some, some.toReversed()]
      const fenceOf = (side: number): TierFence => {
        const fence = tiers[side]?.fence
        if (fence === undefined) throw new Error('PostgreSQL has a fence')
        return fence
      }
      const windows = await Promise.all(orders.map((mine, side) => Promise.all(mine.map((key) => fenceOf(side).read(key, 60_000)))))
      const both = await Promise.all(
        orders.map((mine, side) => {
          const entry = { payload: Buffer.from(String(side)), ttlMs: 60_000 }
          return Promise.all(mine.map((key, index) => fenceOf(side).fill(key, entry, windows[side]?.[index]?.generation ?? NEVER)))
        }),
      )
      expect(both.flat().filter((outcome) => outcome === 'stored')).toHaveLength(some.length)
    }
  })

  it('53: written and deleted in opposite orders by two processes do not deadlock', async () => {
    const [one, two] = [counted().namespace('bulk'), counted().namespace('bulk')]
    const rounds = Array.from({ length: 10 }, (_, round) => round)
    const outcomes = await Promise.all(
      rounds.flatMap(() => [one.setMany(entries), two.setMany(entries.toReversed()), two.deleteMany(keys.toReversed())]),
    )
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['done']))
  })

  it('do not fail together: a row that PostgreSQL refuses harms no other', async () => {
    const tier = postgresTier(pool)
    const [good, bad] = [freshKey(), { ...freshKey(), namespace: 'with a \u0000 character' }]
    const write = { payload: Buffer.from('x'), ttlMs: 60_000 }
    const outcomes = await Promise.allSettled([tier.write(good, write), tier.write(bad, write)])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect((await tier.read(good)).entry?.payload.toString()).toBe('x')
  })
})

/** Writes to the sockets of the connection's client. */
function countWrites(connection: RedisConnection): { count(): number; stop(): void } {
  let writes = 0
  const undo = primariesOf(connection.client()).map((node) => {
    const { stream } = node
    const methods = ['_write', '_writev'] as const
    for (const method of methods) {
      const original = stream[method] as ((...rest: unknown[]) => void) | undefined
      Object.defineProperty(stream, method, {
        configurable: true,
        value: (...rest: unknown[]) => {
          writes++
          original?.apply(stream, rest)
        },
      })
    }
    return () => methods.forEach((method) => Reflect.deleteProperty(stream, method))
  })
  return { count: () => writes, stop: () => undo.forEach((restore) => restore()) }
}
