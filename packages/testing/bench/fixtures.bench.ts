// What the fixtures cost, in milliseconds: the median of the rounds.
// Run: node --conditions=@cidadao/source bench/fixtures.bench.ts [--json]
import { boundRow, reportBench } from '@cidadao/workspace/bench-report'
import { TcpProxy } from '../src/faults/tcp-proxy.ts'
import { eventually } from '../src/eventually.ts'
import { startPostgres } from '../src/postgres/start-postgres.ts'
import { withClient } from '../src/postgres/sql-client.ts'
import { startRedisCluster } from '../src/redis/start-redis-cluster.ts'
import { startRedis } from '../src/redis/start-redis.ts'

const ROUNDS = 5
const times = new Map<string, number[]>()

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now()
  const result = await work()
  times.set(what, [...(times.get(what) ?? []), performance.now() - startedMs])
  return result
}

async function postgresRound(): Promise<void> {
  const server = await timed('PostgreSQL: start', () => startPostgres())
  await withClient(server.url(), async (client) => {
    await client.query('create database model')
    await timed('PostgreSQL: copy of a template', () => client.query('create database copy template model strategy wal_log'))
  })
  await server.kill()
  await timed('PostgreSQL: restart after a kill', () => server.restart())
  await timed('PostgreSQL: stop', () => server.stop())
}

async function redisRound(): Promise<void> {
  const redis = await timed('Redis: start', () => startRedis())
  const proxy = await timed('proxy: open', () => TcpProxy.open({ targetPort: redis.port }))
  await proxy.stop()
  await timed('Redis: kill and restart', () => redis.restart())
  await redis.stop()
  const cluster = await timed('Redis Cluster 3+3: start', () => startRedisCluster({ nodeTimeoutMs: 1_000 }))
  const killed = cluster.nodes[0]?.id
  await cluster.kill(0)
  await timed('Redis Cluster 3+3: failover (1 s node timeout)', () =>
    eventually(
      async () => {
        const serving = (await cluster.members()).filter((member) => member.role === 'primary' && member.id !== killed)
        if (serving.reduce((sum, member) => sum + member.slots, 0) !== 16_384) throw new Error('not yet')
      },
      { deadlineMs: 20_000 },
    ),
  )
  await timed('Redis Cluster 3+3: stop', () => cluster.stop())
}

for (let round = 0; round < ROUNDS; round += 1) {
  await postgresRound()
  await redisRound()
}
reportBench(
  Array.from(times, ([what, samples]) => {
    const sorted = samples.toSorted((a, b) => a - b)
    return boundRow(what, { value: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, unit: 'ms' })
  }),
)
