import { delay, systemClock } from '@cidadao/contracts'
import { eventually, startRedis, startRedisCluster, TcpProxy, testRedis } from '@cidadao/testing'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { createCache, definePolicy, type Cache, type CacheOptions } from '../src/index.ts'
import { postgresTier } from '../src/postgres/index.ts'
import { connectRedis, redisTier, type RedisNode } from '../src/redis/index.ts'
import { testPool } from './pg-pool.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

const DEADLINE = { deadlineMs: 20_000 }
const VERIFY_WITHIN_MS = 1_500
let environments = 0
const newEnvironment = (): string => `consistency-${process.pid}-${++environments}`
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

/** A started cache with a connection of its own, as another process would have. */
async function cacheOn(nodes: readonly RedisNode[], environment: string, options: Partial<CacheOptions> = {}): Promise<Cache> {
  const redis = connectRedis({ nodes, retryMs: 50, reprobeMs: 1_000, commandTimeoutMs: 2_000 })
  await redis.start()
  const cache = createCache({
    environment,
    tiers: [redisTier(redis)],
    guard: { budgetMs: 2_000, cooldownMs: 50, longestCooldownMs: 500 },
    consistency: { heartbeatMs: 500, verifyWithinMs: VERIFY_WITHIN_MS },
    defaultPolicy: definePolicy({ name: 'things', ttlMs: 600_000 }),
    ...options,
  })
  await cache.start()
  stops.push(async () => {
    await cache.stop()
    await redis.stop()
  })
  return cache
}

const value = async (cache: Cache, key: string): Promise<unknown> => {
  const lookup = await cache.get(key)
  return lookup.outcome === 'hit' ? lookup.value : lookup.outcome
}
const shared = (): readonly RedisNode[] => {
  const { hostname, port } = new URL(testRedis().url)
  return [{ host: hostname, port: Number(port) }]
}
const tags = (...names: readonly string[]) => ({ tags: names })

describe('a process behind a bad network', () => {
  it('42: that was cut off during an invalidation serves nothing of it when it is back', async () => {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const proxy = await TcpProxy.open({ targetPort: server.port })
    stops.push(() => proxy.stop())
    const environment = newEnvironment()
    const [near, far] = [await cacheOn([server], environment), await cacheOn([{ host: '127.0.0.1', port: proxy.port }], environment)]
    await near.set('k', 'old', tags('x'))
    await near.set('kept', 'v')
    expect([await value(far, 'k'), await value(far, 'kept')]).toEqual(['old', 'v'])
    await proxy.setFault({ kind: 'refuse' })
    proxy.cutAll()
    expect(await near.invalidateTags(['x'])).toEqual({ outcome: 'done' })
    await proxy.heal()
    await eventually(async () => expect([await value(far, 'k'), await value(far, 'kept')]).toEqual(['miss', 'v']), DEADLINE)
  })

  it('that is cut off for good stops serving what it kept within verifyWithinMs', async () => {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const proxy = await TcpProxy.open({ targetPort: server.port })
    stops.push(() => proxy.stop())
    const environment = newEnvironment()
    const [near, far] = [await cacheOn([server], environment), await cacheOn([{ host: '127.0.0.1', port: proxy.port }], environment)]
    await near.set('k', 'old')
    expect(await value(far, 'k')).toBe('old')
    await proxy.setFault({ kind: 'blackhole' })
    await near.delete('k')
    await delay(systemClock, VERIFY_WITHIN_MS + 50)
    expect(far.peek('k').outcome).toBe('miss')
    expect(await value(far, 'k')).toBe('unavailable')
    await proxy.heal()
    await eventually(async () => expect(await value(far, 'k')).toBe('miss'), DEADLINE)
  })
})

describe('marks that Redis lost', () => {
  it.each([
    ['the clock', ['clock']],
    ['the log', ['log']],
    ['the buckets', ['tags:0', 'tags:1', 'tags:2', 'tags:3', 'tags:4', 'tags:5', 'tags:6', 'tags:7']],
    ['all of them', ['clock', 'log', 'tags:0', 'tags:1', 'tags:2', 'tags:3', 'tags:4', 'tags:5', 'tags:6', 'tags:7']],
  ])('34: by eviction of %s, revive nothing that was invalidated', async (_name, parts) => {
    const environment = newEnvironment()
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const cache = await cacheOn([server], environment)
    const names = Array.from({ length: 40 }, (_, index) => `t${index}`)
    for (const name of names) await cache.set(name, 'old', tags(name))
    for (const name of names.slice(0, 20)) await cache.invalidateTags([name])
    await server.command('DEL', ...parts.map((part) => `{${environment}/v1/things}#${part}`))
    const other = await cacheOn([server], environment)
    for (const each of [other, cache]) {
      const found = await each.getMany(names.slice(0, 20))
      expect(found.map((lookup) => lookup.outcome)).not.toContain('hit')
    }
    await other.set('after', 'v', tags('t1'))
    await eventually(async () => expect([await value(cache, 'after'), await value(other, 'after')]).toEqual(['v', 'v']), DEADLINE)
    await cache.invalidateTags(['t1'])
    await eventually(async () => expect(await value(other, 'after')).toBe('miss'), DEADLINE)
  })

  it('by FLUSHALL, leave every process with nothing older than it', async () => {
    const environment = newEnvironment()
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const [one, two] = [await cacheOn([server], environment), await cacheOn([server], environment)]
    const resyncs: string[] = []
    two.on('resync', ({ reason }) => resyncs.push(reason))
    await one.set('k', 'old', tags('x'))
    expect(await value(two, 'k')).toBe('old')
    await server.command('FLUSHALL')
    await one.invalidateTags(['x'])
    await eventually(async () => expect([await value(one, 'k'), await value(two, 'k')]).toEqual(['miss', 'miss']), DEADLINE)
    expect(resyncs).toContain('gap')
    await one.set('k', 'new', tags('x'))
    await eventually(async () => expect(await value(two, 'k')).toBe('new'), DEADLINE)
  })
})

describe('clear on Redis', () => {
  it('47: is one step for the whole cluster, and what it made invalid is removed from every node', async () => {
    const cluster = await startRedisCluster()
    onTestFinished(() => cluster.stop())
    const environment = newEnvironment()
    const cache = await cacheOn(cluster.nodes, environment)
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`)
    await cache.setMany(keys.map((key) => [key, 'old'] as const))
    const primaries = cluster.nodes.flatMap((node, index) => (node.initialRole === 'primary' ? [index] : []))
    const stored = async (): Promise<number> => {
      const lists = await Promise.all(primaries.map((index) => cluster.command(index, 'KEYS', `${environment}/v1/things/*`)))
      return lists.reduce<number>((sum, list) => sum + (list as unknown[]).length, 0)
    }
    expect(await stored()).toBe(200)
    expect(await cache.clear()).toEqual({ outcome: 'done' })
    const other = await cacheOn(cluster.nodes, environment)
    expect((await other.getMany(keys)).filter((lookup) => lookup.outcome !== 'miss')).toEqual([])
    await eventually(async () => expect(await stored()).toBe(0), DEADLINE)
  })
})

describe('a failover of the cluster', () => {
  it('keeps what was invalidated invalid in every process, and tags work again after it', async () => {
    const cluster = await startRedisCluster({ nodeTimeoutMs: 500 })
    onTestFinished(() => cluster.stop())
    const environment = newEnvironment()
    const [one, two] = [await cacheOn(cluster.nodes, environment), await cacheOn(cluster.nodes, environment)]
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`)
    await eventually(async () => {
      for (const key of keys) expect(await one.set(key, 'old', tags('x', key))).toEqual({ outcome: 'done' })
    }, DEADLINE)
    await two.getMany(keys)
    // Whoever has the namespace's clock goes.
    const slot = await cluster.command(0, 'CLUSTER', 'KEYSLOT', `{${environment}/v1/things}#clock`)
    const owner = await ownerOf(cluster, Number(slot))
    await cluster.kill(owner)
    const outcome = await one.invalidateTags(['x'])
    expect((await one.getMany(keys)).filter((lookup) => lookup.outcome === 'hit')).toEqual([])
    expect(['done', 'pending']).toContain(outcome.outcome)
    await eventually(async () => expect(await one.invalidateTags(['y'])).toEqual({ outcome: 'done' }), DEADLINE)
    await eventually(async () => {
      expect((await two.getMany(keys)).map((lookup) => lookup.outcome)).toEqual(keys.map(() => 'miss'))
    }, DEADLINE)
    await eventually(async () => expect(await one.set('after', 'v', tags('x'))).toEqual({ outcome: 'done' }), DEADLINE)
    await eventually(async () => expect(await value(two, 'after')).toBe('v'), DEADLINE)
  })
})

async function ownerOf(cluster: Awaited<ReturnType<typeof startRedisCluster>>, slot: number): Promise<number> {
  const slots = (await cluster.command(0, 'CLUSTER', 'SLOTS')) as [from: number, to: number, primary: [host: string, port: number]][]
  const range = slots.find(([from, to]) => slot >= from && slot <= to)
  return cluster.nodes.findIndex((node) => node.port === range?.[2][1])
}

describe('PostgreSQL as the only shared tier', () => {
  it('has tags, clear, shared loads and sessions, by its own clock', async () => {
    const pool = await testPool()
    stops.push(() => pool.end())
    const environment = newEnvironment()
    const make = (): Promise<Cache> => cacheOn(shared(), environment, { tiers: [postgresTier(pool)] })
    const [one, two] = [await make(), await make()]
    await one.set('k', 'old', tags('x'))
    await one.set('untagged', 'v')
    expect([await value(two, 'k'), await value(two, 'untagged')]).toEqual(['old', 'v'])
    expect(await one.invalidateTags(['x'])).toEqual({ outcome: 'done' })
    expect(await value(one, 'k')).toBe('miss')
    await eventually(() => expect(two.peek('k').outcome).toBe('miss'), { deadlineMs: VERIFY_WITHIN_MS + 2_000 })
    expect(await value(two, 'untagged')).toBe('v')
    const token = await one.session(async () => (await one.set('untagged', 'written'), one.sessionToken()))
    expect(await two.session(() => value(two, 'untagged'), token)).toBe('written')
    let runs = 0
    const factory = async (): Promise<string> => {
      runs++
      await delay(systemClock, 200)
      return 'loaded'
    }
    expect(await Promise.all([one, two, one, two].map((each) => each.getOrSet('load', factory)))).toEqual(Array(4).fill('loaded'))
    expect(runs).toBe(1)
    await one.clear()
    expect([await value(one, 'untagged'), await value(await make(), 'untagged')]).toEqual(['miss', 'miss'])
    await pool.query("DELETE FROM cache_entries WHERE namespace IN ('#clock', '#lease') AND key LIKE $1", [`%${environment}%`])
    // What is written in the moment of the loss counts as older than it.
    const third = await make()
    await eventually(async () => {
      await one.set('k', 'new', tags('x'))
      expect(await value(third, 'k')).toBe('new')
    }, DEADLINE)
  })
})
