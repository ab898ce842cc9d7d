import { Cluster } from 'ioredis'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isPortFree } from '@cidadao/postgres-server'
import { createTestDatabase, eventually } from '../src/index.ts'
import { startPostgresInContainer } from '../src/postgres/postgres-container.ts'
import { openContainerMachine } from '../src/redis/choose-machine.ts'
import { startRedisClusterOn } from '../src/redis/start-redis-cluster.ts'
import { startRedisOn } from '../src/redis/start-redis.ts'
import { startNestedRun } from './nested-run.ts'
import { requireContainerEngine } from '../src/services/container-engine.ts'

const hasEngine = await requireContainerEngine().then(
  () => true,
  () => false,
)
const DEADLINE_MS = 20_000

describe.skipIf(!hasEngine)('in containers [skipped unless a container engine answers]', { timeout: 180_000 }, () => {
  it('PostgreSQL makes test databases, is killed, paused and restarted at the same address', async () => {
    const server = await startPostgresInContainer({ settings: { max_connections: '23' } })
    onTestFinished(() => server.stop())
    expect(server.kind).toBe('container')
    const prepare = async (url: string): Promise<void> => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(`create table t as select current_setting('max_connections') as value`)
      await client.end()
    }
    const database = await createTestDatabase({ server: { url: server.url(), runId: 'cccccccc' }, template: { name: 'c', prepare } })
    const read = async (): Promise<unknown> => {
      const client = new pg.Client({ connectionString: database.url, connectionTimeoutMillis: 1_000, query_timeout: 1_000 })
      client.on('error', () => {})
      try {
        await client.connect()
        return (await client.query('select value from t')).rows
      } finally {
        await client.end()
      }
    }
    expect(await read()).toEqual([{ value: '23' }])
    await server.kill()
    await expect(read()).rejects.toThrow()
    await server.restart()
    expect(await read()).toEqual([{ value: '23' }])
    await server.pause()
    await expect(read()).rejects.toThrow()
    await server.resume()
    expect(await eventually(read, { deadlineMs: DEADLINE_MS })).toEqual([{ value: '23' }])
    expect(await server.terminateBackends()).toBe(0)
    await server.stop()
    await expect(read()).rejects.toThrow()
  })

  it('one Redis has its password and TLS, is killed and restarted at the same address', async () => {
    const redis = await startRedisOn(openContainerMachine, { password: 'secret', tls: 'on', maxmemory: '10mb' })
    onTestFinished(() => redis.stop())
    expect([redis.kind, await redis.command('CONFIG', 'GET', 'maxmemory')]).toEqual(['container', ['maxmemory', '10485760']])
    await redis.kill()
    await expect(redis.command('PING')).rejects.toThrow()
    await redis.restart()
    expect(await redis.command('PING')).toBe('PONG')
    await redis.stop()
    await redis.stop()
  })

  it('all are gone when the run is killed by SIGKILL', async () => {
    const run = await startNestedRun('hang', { TEST_SERVICES: 'docker' })
    const { ports } = await run.report<{ readonly ports: readonly number[] }>()
    expect(ports).toHaveLength(10)
    run.process.kill('SIGKILL')
    await run.ended
    await eventually(
      async () => {
        for (const port of ports) expect(await isPortFree(port)).toBe(true)
      },
      { deadlineMs: 60_000 },
    )
  })

  it('a Redis Cluster serves clients outside, and promotes the replica of a killed primary', async () => {
    const cluster = await startRedisClusterOn(openContainerMachine, { nodeTimeoutMs: 1_000 })
    onTestFinished(() => cluster.stop())
    const client = new Cluster(cluster.nodes.map(({ host, port }) => ({ host, port })))
    onTestFinished(() => client.disconnect())
    for (const key of ['a', 'b', 'c', 'd']) await client.set(key, key)
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => client.get(key)))).toEqual(['a', 'b', 'c', 'd'])
    await cluster.kill(0)
    await eventually(
      async () => {
        const serving = (await cluster.members()).filter((member) => member.role === 'primary' && member.health === 'up')
        expect(serving.reduce((sum, member) => sum + member.slots, 0)).toBe(16_384)
      },
      { deadlineMs: DEADLINE_MS },
    )
    await cluster.restart(0)
    await eventually(async () => expect((await cluster.members()).filter((member) => member.health === 'up')).toHaveLength(6), {
      deadlineMs: DEADLINE_MS,
    })
  })
})
