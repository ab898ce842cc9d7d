import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
// eslint-disable-next-line @nx/enforce-module-boundaries -- the tier takes a pool port; the benchmark hands it the real thing
import pg from 'pg'
import { startPostgres, startRedis } from '@cidadao/testing'
import { boundRow, type BenchRow } from '@cidadao/workspace/bench-report'
import { createCache, definePolicy } from '../src/index.ts'
import { postgresTier } from '../src/postgres/index.ts'
import { connectRedis, redisTier } from '../src/redis/index.ts'
import { primariesOf } from '../src/redis/redis-client.ts'
import { TABLE } from '../test/pg-pool.ts'
import { KEYS, VALUE } from './measure.ts'

const MILLION = 1_000_000
const BOUND_BYTES = 400_000_000
const MEGABYTE = 1_000_000

/** What entries take: a million small ones in memory against the bound that was set, and a kilobyte in Redis and PostgreSQL. */
export async function footprints(): Promise<BenchRow[]> {
  return [...(await inMemory()), ...(await inRedis()), ...(await inPostgres())]
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
    // What the bound allows is what the cache reckons: an entry must not take more.
    boundRow('heap an entry', { value: bytes / memory.entries, unit: 'bytes' }, Math.round(memory.bytes / memory.entries)),
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
    return entryRows('Redis', ((await used()) - before) / KEYS.length)
  } finally {
    await cache.stop()
    await connection.stop()
    await server.stop()
  }
}

async function inPostgres(): Promise<BenchRow[]> {
  const server = await startPostgres()
  const pool = new pg.Pool({ connectionString: server.url(), max: 4 })
  pool.on('error', () => {}) // Stopping the server ends its idle connections.
  await pool.query(TABLE)
  const cache = createCache({
    tiers: [postgresTier(pool)],
    guard: { budgetMs: 10_000 },
    defaultPolicy: definePolicy({ name: 'bench', ttlMs: 600_000 }),
  })
  try {
    const used = async (): Promise<number> => {
      const { rows } = await pool.query<{ size: string }>(`SELECT pg_total_relation_size('cache_entries') AS size`)
      return Number(rows[0]?.size)
    }
    const before = await used()
    await cache.setMany(KEYS.map((key) => [key, structuredClone(VALUE)] as const))
    return entryRows('PostgreSQL', ((await used()) - before) / KEYS.length)
  } finally {
    await cache.stop()
    await pool.end()
    await server.stop()
  }
}

/** Key, envelope, hash and row may take as much as the value does. */
function entryRows(tier: string, perEntry: number): BenchRow[] {
  const json = Buffer.byteLength(JSON.stringify(VALUE))
  return [
    boundRow(`${tier}: an entry of a kilobyte`, { value: perEntry, unit: 'bytes' }, 2 * json),
    boundRow(`${tier}: of that not the value`, { value: perEntry - json, unit: 'bytes' }),
  ]
}
