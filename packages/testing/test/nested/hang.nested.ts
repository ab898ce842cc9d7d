import { rename, writeFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { it } from 'vitest'
import { startPostgres, startRedis, testPostgres, testRedis, testRedisCluster } from '../../src/index.ts'

async function redisPid(client: Redis): Promise<number> {
  const info = await client.info('server')
  client.disconnect()
  return Number(/process_id:(\d+)/.exec(info)?.[1])
}

async function postgresPlace(url: string): Promise<{ readonly pid: number; readonly folder: string }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ folder: string; file: string }>(
    `select current_setting('data_directory') as folder, pg_read_file('postmaster.pid') as file`,
  )
  await client.end()
  return { pid: Number(rows[0]?.file.split('\n')[0]), folder: rows[0]?.folder ?? '' }
}

it('reports the processes of all servers, its own included, and hangs', async () => {
  const { nodes, password } = testRedisCluster()
  const runPorts = [testPostgres().url, testRedis().url].map((url) => Number(new URL(url).port)).concat(nodes.map((node) => node.port))
  const [redis, postgres] = [await startRedis(), await startPostgres()]
  await redis.pause()
  await postgres.pause()
  const own = await postgresPlace(testPostgres().url)
  const pids = [
    own.pid,
    await redisPid(new Redis(testRedis().url)),
    ...(await Promise.all(nodes.map((node) => redisPid(new Redis({ ...node, ...(password === null ? {} : { password }) }))))),
  ]
  const report = process.env.NESTED_REPORT ?? ''
  await writeFile(
    `${report}.draft`,
    JSON.stringify({ pids, ports: [redis.port, postgres.port, ...runPorts], folder: own.folder, worker: process.pid }),
  )
  await rename(`${report}.draft`, report)
  await new Promise(() => setInterval(() => {}, 60_000))
})
