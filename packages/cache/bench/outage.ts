import { startRedis } from '@cidadao/testing'
import { boundRow, type BenchRow } from '@cidadao/workspace/bench-report'
import { createCache, definePolicy } from '../src/index.ts'
import { connectRedis, redisTier } from '../src/redis/index.ts'
import { percentile } from './measure.ts'

const CALLS = 2_000

/** What a cold `getOrSet` with an instant factory takes while Redis is down, the first call apart. */
export async function outages(): Promise<BenchRow[]> {
  const server = await startRedis()
  const connection = connectRedis({ nodes: [server] })
  await connection.start()
  const cache = createCache({ tiers: [redisTier(connection)], defaultPolicy: definePolicy({ name: 'bench', ttlMs: 600_000 }) })
  try {
    await cache.set('warm', 1)
    await server.stop()
    const [first = 0, ...rest] = await times(CALLS, (index) => cache.getOrSet(`key ${index}`, () => index))
    const row = (name: string, value: number, atMost?: number): BenchRow => boundRow(`Redis down: ${name}`, { value, unit: 'ms' }, atMost)
    // The budget of a tier, a millisecond to judge it by, and what a busy machine adds.
    return [row('first call', first, 60), row('p50', percentile(rest, 0.5), 1), row('p99', percentile(rest, 0.99), 5)]
  } finally {
    await cache.stop()
    await connection.stop()
  }
}

async function times(count: number, call: (index: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = []
  for (let index = 0; index < count; index++) {
    const started = performance.now()
    await call(index)
    taken.push(performance.now() - started)
  }
  return taken
}
