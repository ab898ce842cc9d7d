import { eventually, startRedis, startRedisCluster, type RedisFixture } from '@cidadao/testing'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCache, definePolicy, type Cache, type WriteOutcome } from '../src/index.ts'
import { connectRedis, redisTier, type RedisConnection } from '../src/redis/index.ts'

/** For a busy machine; what a client waits without a budget is longer, or for ever. */
const SLACK_MS = 400
const BUDGET_MS = 50
/** Where the budget is not what is tested: on a busy machine a write can miss 50 ms. */
const PATIENT_MS = 2_000

const unhandled: unknown[] = []
const noteUnhandled = (reason: unknown): void => void unhandled.push(reason)

beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', noteUnhandled)
})
afterEach(() => {
  process.off('unhandledRejection', noteUnhandled)
  expect(unhandled).toEqual([])
})

function cacheOn(redis: RedisConnection, budgetMs = BUDGET_MS): Cache {
  const cache = createCache({
    tiers: [redisTier(redis)],
    guard: { budgetMs },
    defaultPolicy: definePolicy({ name: 'things', ttlMs: 600_000 }),
  })
  onTestFinished(async () => {
    await cache.stop()
    await redis.stop()
  })
  return cache
}

async function timed<T>(run: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }> {
  const started = performance.now()
  return { result: await run(), ms: performance.now() - started }
}

const stateOf = (cache: Cache): string | undefined => cache.status().tiers[0]?.state
const backInUse = (cache: Cache): Promise<void> =>
  vi.waitFor(() => expect(cache.status().tiers[0]).toMatchObject({ state: 'ok', repairsPending: 0 }), { timeout: 15_000, interval: 20 })

/** With the small budget a write can miss it while the machine is busy; what is pending is dropped, so it is written again. */
async function eventuallyDone(write: () => Promise<WriteOutcome>): Promise<void> {
  await eventually(async () => expect(await write()).toEqual({ outcome: 'done' }), { deadlineMs: 10_000 })
}

async function single(
  budgetMs = BUDGET_MS,
): Promise<{ readonly server: RedisFixture; readonly redis: RedisConnection; readonly cache: Cache }> {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const redis = connectRedis({ nodes: [server], retryMs: 50 })
  await redis.start()
  return { server, redis, cache: cacheOn(redis, budgetMs) }
}

describe('40: no Redis at all', () => {
  it('works in memory, answers at once and says that the tier is not available', async () => {
    const redis = connectRedis({ nodes: [{ host: '127.0.0.1', port: 1 }] })
    await redis.start()
    const cache = cacheOn(redis)
    await cache.start()
    const first = await timed(() => cache.getOrSet('k', () => 'v'))
    expect(first.result).toBe('v')
    expect(first.ms).toBeLessThan(BUDGET_MS + SLACK_MS)
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', tier: 'memory', value: 'v' })
    expect(await cache.get('absent')).toMatchObject({ outcome: 'unavailable', cause: { code: 'CACHE_UNAVAILABLE' } })
    expect(await cache.set('s', 0)).toMatchObject({ outcome: 'pending', tiers: ['redis'] })
    expect(stateOf(cache)).not.toBe('ok')
    expect(redis.status()).toMatchObject({ state: 'down' })
  })
})

describe('Redis killed and restarted', () => {
  it('costs at most the budget once, then nothing; comes back by itself; what was deleted meanwhile stays deleted', async () => {
    // Its data survives the restart, or "stays deleted" would prove nothing.
    const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    onTestFinished(() => server.stop())
    const redis = connectRedis({ nodes: [server], retryMs: 50 })
    await redis.start()
    const [cache, other] = [cacheOn(redis), cacheOn(redis)]
    await eventuallyDone(() => cache.set('deleted', 'old'))
    await eventuallyDone(() => cache.set('replaced', 'old'))
    await eventuallyDone(() => cache.set('kept', 'kept'))
    await server.kill()
    const down = await timed(async () => {
      const outcomes = [await cache.delete('deleted'), await cache.set('replaced', 'new')]
      for (let call = 0; call < 200; call++) await cache.getOrSet(`k${call}`, () => call)
      return outcomes
    })
    expect(down.result).toMatchObject([{ outcome: 'pending' }, { outcome: 'pending' }])
    expect(down.ms).toBeLessThan(BUDGET_MS + SLACK_MS)
    await server.restart()
    await backInUse(cache)
    expect(await server.command('HEXISTS', 'default/v1/things/kept', 'v')).toBe(1)
    expect([await other.get('deleted'), await other.get('replaced')]).toMatchObject([{ outcome: 'miss' }, { outcome: 'miss' }])
    expect(await other.get('kept')).toMatchObject({ outcome: 'hit', tier: 'redis' })
    await eventuallyDone(() => cache.set('after', 1))
  })

  it('loses its scripts without anybody noticing', async () => {
    const { server, cache } = await single(PATIENT_MS)
    await cache.set('k', 'v')
    await server.command('SCRIPT', 'FLUSH')
    expect(await cache.set('k', 'w')).toEqual({ outcome: 'done' })
    expect(await cache.delete('k')).toEqual({ outcome: 'done', existed: true })
  })
})

describe('45: Redis frozen', () => {
  it('costs one budget, though its connections stay open, and is used again once it thaws', async () => {
    const { server, cache } = await single()
    await cache.set('k', 'v')
    await server.pause()
    const frozen = await timed(() => Promise.all(Array.from({ length: 100 }, (_, call) => cache.getOrSet(`k${call}`, () => call))))
    const after = await timed(() => cache.set('s', 1))
    await server.resume()
    expect(frozen.ms).toBeLessThan(2 * BUDGET_MS + SLACK_MS)
    expect(after.ms).toBeLessThan(SLACK_MS)
    expect(after.result).toMatchObject({ outcome: 'pending' })
    await backInUse(cache)
    await eventuallyDone(() => cache.set('s', 2))
  })
})

describe('Redis full', () => {
  it('refuses writes without being taken for dead, and keeps no older value', async () => {
    const server = await startRedis({ maxmemory: '3mb', args: ['--maxmemory-policy', 'noeviction'] })
    onTestFinished(() => server.stop())
    const redis = connectRedis({ nodes: [server] })
    await redis.start()
    const [cache, other] = [cacheOn(redis, PATIENT_MS), cacheOn(redis, PATIENT_MS)]
    await cache.set('k', 'old')
    await server.command('SET', 'ballast', 'x'.repeat(2_500_000)).catch(() => {})
    const outcome = await cache.set('k', 'n'.repeat(1_000))
    expect(stateOf(cache)).toMatch(/ok|slow/)
    expect(await cache.getOrSet('fresh', () => 1)).toBe(1)
    await vi.waitFor(() => expect(cache.status().tiers[0]?.repairsPending).toBe(0), 5_000)
    const seen = await other.get('k')
    expect(seen.outcome === 'hit' ? seen.value : seen.outcome).not.toBe('old')
    expect(['pending', 'done']).toContain(outcome.outcome)
  })
})

describe('wrong type under a key of ours', () => {
  it('is an error of that key alone, and a write or a delete puts it right', async () => {
    const { server, cache } = await single(PATIENT_MS)
    await server.command('SET', 'default/v1/things/k', 'a string by somebody else')
    expect((await cache.get('k')).outcome).toBe('unavailable')
    expect(stateOf(cache)).toMatch(/ok|slow/)
    expect(await cache.set('k', 'v')).toEqual({ outcome: 'done' })
    await server.command('SET', 'default/v1/things/k2', 'another')
    expect(await cache.delete('k2')).toEqual({ outcome: 'done', existed: true })
  })
})

describe('a primary of the cluster killed', () => {
  it('callers never wait longer than the budget, and the tier is whole again after the failover', async () => {
    const cluster = await startRedisCluster({ nodeTimeoutMs: 500 })
    onTestFinished(() => cluster.stop())
    const redis = connectRedis({ nodes: cluster.nodes })
    await redis.start()
    const cache = cacheOn(redis)
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`)
    await cache.setMany(keys.map((key) => [key, 'old'] as const))
    await cluster.kill(cluster.nodes.findIndex((node) => node.initialRole === 'primary'))
    const slowest = Math.max(
      ...(await Promise.all(keys.map(async (key) => (await timed(() => cache.getOrSet(`${key}:new`, () => key))).ms))),
    )
    expect(slowest).toBeLessThan(2 * BUDGET_MS + SLACK_MS)
    expect((await cache.deleteMany(keys)).outcome).toBe('pending')
    await backInUse(cache)
    await eventuallyDone(() => cache.setMany(keys.map((key) => [`${key}:after`, key] as const)))
    const other = cacheOn(redis, PATIENT_MS)
    expect((await other.getMany(keys.map((key) => `${key}:after`))).filter((lookup) => lookup.outcome !== 'hit')).toEqual([])
    expect((await other.getMany(keys)).filter((lookup) => lookup.outcome === 'hit')).toEqual([])
  })
})
