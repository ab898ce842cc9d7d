import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startRedis } from '@cidadao/testing'
import { boundRow, type BenchRow } from '@cidadao/workspace/bench-report'
import { createCache, definePolicy } from '../src/index.ts'
import { connectRedis, redisTier } from '../src/redis/index.ts'
import { primariesOf } from '../src/redis/redis-client.ts'
import { KEYS, VALUE } from './measure.ts'

const MILLION = 1_000_000
const BOUND_BYTES = 400_000_000
const MEGABYTE = 1_000_000

/** What entries take: a million small ones in memory against the bound that was set, and a kilobyte in Redis. */
export async function footprints(): Promise<BenchRow[]> {
  return [...(await inMemory()), ...(await inRedis())]
}

async function inMemory(): Promise<BenchRow[]> {
  const collect = collector()
  const before = collect()
  const cache = createCache({
    memory: { maxEntries: MILLION, maxBytes: BOUND_BYTES },
    defaultPolicy: definePolicy({ name: 'bench', ttlMs: 600_000 }),
  })
  for (let index = 0; index < MILLION; index++) await cache.set(`contract:${index}`, { id: index })
  const bytes = collect() - before
  const { memory } = cache.stats()
  await cache.stop()
  return [
    boundRow('heap for a million small entries, bound set to 400 MB', { value: bytes / MEGABYTE, unit: 'MB' }, BOUND_BYTES / MEGABYTE),
    boundRow('entries kept of them within the bound', { value: memory.entries, unit: 'entries' }),
    boundRow('heap an entry', { value: bytes / memory.entries, unit: 'bytes' }),
    boundRow('heap an entry, as the cache reckons', { value: memory.bytes / memory.entries, unit: 'bytes' }),
  ]
}

/** Collects garbage and tells what is left. */
function collector(): () => number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  return () => {
    collect()
    return process.memoryUsage().heapUsed
  }
}

async function inRedis(): Promise<BenchRow[]> {
  const server = await startRedis()
  const connection = connectRedis({ nodes: [server], commandTimeoutMs: 10_000 })
  await connection.start()
  const cache = createCache({
    tiers: [redisTier(connection)],
    guard: { budgetMs: 10_000 },
    defaultPolicy: definePolicy({ name: 'bench', ttlMs: 600_000 }),
  })
  try {
    const [node] = primariesOf(connection.client())
    const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec((await node?.info('memory')) ?? '')?.[1])
    const before = await used()
    await cache.setMany(KEYS.map((key) => [key, structuredClone(VALUE)] as const))
    const perEntry = ((await used()) - before) / KEYS.length
    const json = Buffer.byteLength(JSON.stringify(VALUE))
    return [
      boundRow('Redis: an entry of a kilobyte', { value: perEntry, unit: 'bytes' }),
      boundRow('Redis: of that not the value', { value: perEntry - json, unit: 'bytes' }),
    ]
  } finally {
    await cache.stop()
    await connection.stop()
    await server.stop()
  }
}
