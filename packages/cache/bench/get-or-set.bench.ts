import { startRedis } from '@cidadao/testing'
import { ratioRow, reportBench } from '@cidadao/workspace/bench-report'
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { createCache, definePolicy, type CacheNamespace } from '../src/index.ts'
import { connectRedis, redisTier } from '../src/redis/index.ts'

/*
 * Hits of this cache beside the bare library underneath, in one process and one run: only the ratios mean anything.
 * node --conditions=@cidadao/source bench/get-or-set.bench.ts [--json]
 */

interface Row {
  readonly layer: 'memory' | 'redis'
  readonly what: string
  readonly opsPerSecond: number
  /** Of the layer's bare library. */
  readonly ratio: number
}

type Case = readonly [what: string, run: (key: string) => unknown]

const KEYS = Array.from({ length: 1_000 }, (_, index) => `contract:${index}`)
const VALUE = { id: 'x'.repeat(36), supplier: 'Ministério da Saúde', amount: '12345.67', text: 'y'.repeat(900) }
const ROUNDS = 5

/** Best of several rounds, interleaved, so that a busy machine disturbs all alike. */
async function compare(layer: Row['layer'], cases: readonly Case[], round: (run: Case[1]) => Promise<number>): Promise<Row[]> {
  const best = cases.map(() => 0)
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (const [index, [, run]] of cases.entries()) best[index] = Math.max(best[index] ?? 0, await round(run))
  }
  return cases.map(([what], index) => ({
    layer,
    what,
    opsPerSecond: Math.round(best[index] ?? 0),
    ratio: (best[index] ?? 0) / (best[0] ?? 1),
  }))
}

async function perSecond(count: number, run: () => Promise<void> | void): Promise<number> {
  const started = performance.now()
  await run()
  return count / ((performance.now() - started) / 1_000)
}

function syncRound(repeats: number): (run: Case[1]) => Promise<number> {
  return (run) =>
    perSecond(KEYS.length * repeats, () => {
      for (let repeat = 0; repeat < repeats; repeat++) for (const key of KEYS) run(key)
    })
}

function awaitedRound(repeats: number): (run: Case[1]) => Promise<number> {
  return (run) =>
    perSecond(KEYS.length * repeats, async () => {
      for (let repeat = 0; repeat < repeats; repeat++) for (const key of KEYS) await run(key)
    })
}

/** As many at a time as a busy service has under way. */
function concurrentRound(width: number): (run: Case[1]) => Promise<number> {
  return (run) =>
    perSecond(KEYS.length * 4, async () => {
      const all = [...KEYS, ...KEYS, ...KEYS, ...KEYS]
      for (let at = 0; at < all.length; at += width) await Promise.all(all.slice(at, at + width).map(run))
    })
}

async function memoryRows(): Promise<Row[]> {
  const bare = new LRUCache<string, object>({ max: 50_000, ttl: 600_000 })
  const cache = createCache({ defaultPolicy: definePolicy({ name: 'bench', ttlMs: 600_000 }) })
  for (const key of KEYS) {
    bare.set(key, VALUE)
    await cache.set(key, structuredClone(VALUE))
  }
  const base: Case = ['lru-cache get', (key) => bare.get(key)]
  const sync = await compare('memory', [base, ['peek', (key) => cache.peek(key)]], syncRound(200))
  const factory = (): never => {
    throw new Error('not a hit')
  }
  const awaited = await compare(
    'memory',
    [
      ['await lru-cache get', (key) => bare.get(key)],
      ['await get', (key) => cache.get(key)],
      ['await getOrSet', (key) => cache.getOrSet(key, factory)],
    ],
    awaitedRound(100),
  )
  return [...sync, ...awaited]
}

async function redisRows(): Promise<Row[]> {
  const server = await startRedis()
  const connection = connectRedis({ nodes: [server] })
  const bare = new Redis({ host: server.host, port: server.port })
  try {
    await connection.start()
    const cache = createCache({ tiers: [redisTier(connection)], guard: { budgetMs: 5_000 } })
    const shared: CacheNamespace<unknown> = cache.namespace(definePolicy({ name: 'bench', ttlMs: 600_000, tiers: ['redis'] }))
    for (const key of KEYS) {
      await bare.set(key, JSON.stringify(VALUE))
      await shared.set(key, structuredClone(VALUE))
    }
    const base: Case = ['ioredis get + JSON.parse, 64 at a time', async (key) => JSON.parse((await bare.get(key)) ?? '') as unknown]
    return await compare('redis', [base, ['get, 64 at a time', (key) => shared.get(key)]], concurrentRound(64))
  } finally {
    bare.disconnect()
    await connection.stop()
    await server.stop()
  }
}

/** The goals are those of the cache's design: of a bare get, per kind of hit. */
const GOALS: Readonly<Record<string, number>> = { peek: 0.33, 'await get': 0.15, 'await getOrSet': 0.15, 'get, 64 at a time': 0.8 }

const rows = [...(await memoryRows()), ...(await redisRows())]
reportBench(
  rows.map(({ layer, what, opsPerSecond, ratio }) => {
    const goal = GOALS[what]
    return ratioRow(
      `${layer}: ${what}`,
      `${opsPerSecond.toLocaleString('en')}/s`,
      ratio,
      goal === undefined ? undefined : { atLeast: goal },
    )
  }),
)
