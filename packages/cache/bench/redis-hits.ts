import KeyvRedis from '@keyv/redis'
import { startRedis } from '@cidadao/testing'
import type { BenchRow } from '@cidadao/workspace/bench-report'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { createCache as createCacheManager } from 'cache-manager'
import { Redis } from 'ioredis'
import { Keyv } from 'keyv'
import { createCache, definePolicy, type CacheNamespace } from '../src/index.ts'
import { connectRedis, keyvOverRedis, redisTier } from '../src/redis/index.ts'
import { awaitedRound, compare, concurrentRound, KEYS, VALUE, type Subject } from './measure.ts'

const TTL_MS = 600_000

/** Hits of Redis with memory left out, beside the bare client and what others make of it, on one server. */
export async function redisHits(): Promise<BenchRow[]> {
  const server = await startRedis()
  const connection = connectRedis({ nodes: [server], commandTimeoutMs: 10_000 })
  const bare = new Redis({ host: server.host, port: server.port })
  const keyvRedis = new KeyvRedis(`redis://${server.host}:${server.port}`)
  try {
    await connection.start()
    const cache = createCache({ tiers: [redisTier(connection)], guard: { budgetMs: 10_000 } })
    const shared: CacheNamespace<unknown> = cache.namespace(definePolicy({ name: 'bench', ttlMs: TTL_MS, tiers: ['redis'] }))
    const face = keyvOverRedis(connection, { namespace: 'face' })
    const manager = createCacheManager({ stores: [new Keyv(keyvRedis, { namespace: 'manager' })] })
    const bentoStore = bentostore().useL2Layer(redisDriver({ connection: bare }))
    const bento = new BentoCache({ default: 'redis', ttl: TTL_MS, stores: { redis: bentoStore } })
    for (const key of KEYS) {
      await bare.set(key, JSON.stringify(VALUE))
      await shared.set(key, structuredClone(VALUE))
      await face.set(key, VALUE, TTL_MS)
      await manager.set(key, VALUE, TTL_MS)
      await bento.set({ key, value: VALUE })
    }
    const subjects: readonly Subject[] = [
      { name: 'ioredis get + JSON.parse', run: async (key) => JSON.parse((await bare.get(key)) ?? '') as unknown },
      { name: 'get', run: (key) => shared.get(key) },
      { name: 'getOrSet', run: (key) => shared.getOrSet(key, () => VALUE) },
      { name: 'Keyv over the same connection', run: (key) => face.get(key) },
      { name: 'bentocache', run: (key) => bento.get({ key }) },
      { name: 'cache-manager', run: (key) => manager.get(key) },
    ]
    const goals = { get: [{ against: 'ioredis get + JSON.parse', atLeast: 0.8 }] }
    return [
      ...(await compare({ title: 'Redis, 64 at a time', subjects, round: concurrentRound(64), goals })),
      ...(await compare({ title: 'Redis, one by one', subjects, round: awaitedRound(1) })),
    ]
  } finally {
    bare.disconnect()
    await keyvRedis.disconnect()
    await connection.stop()
    await server.stop()
  }
}
