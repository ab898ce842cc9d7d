import { testRedis, testRedisCluster } from '@cidadao/testing'
import { connectRedis, type RedisConnection } from '../src/redis/index.ts'

/** What is tested is not how fast a busy machine is. */
const PATIENT = { commandTimeoutMs: 5_000, clusterCommandTimeoutMs: 5_000 }

/** A started connection to the run's single server. */
export async function singleConnection(): Promise<RedisConnection> {
  const { hostname, port, password } = new URL(testRedis().url)
  const connection = connectRedis({
    nodes: [{ host: hostname, port: Number(port) }],
    password: password === '' ? undefined : password,
    ...PATIENT,
  })
  await connection.start()
  return connection
}

/** A started connection to the run's cluster. */
export async function clusterConnection(): Promise<RedisConnection> {
  const { nodes, password } = testRedisCluster()
  const connection = connectRedis({ nodes, password: password ?? undefined, ...PATIENT })
  await connection.start()
  return connection
}
