import { testRedis, testRedisCluster } from '@cidadao/testing'
import { connectRedis, type RedisConnection } from '../src/redis/index.ts'

/** A started connection to the run's single server. */
export async function singleConnection(): Promise<RedisConnection> {
  const { hostname, port, password } = new URL(testRedis().url)
  const connection = connectRedis({ nodes: [{ host: hostname, port: Number(port) }], password: password === '' ? undefined : password })
  await connection.start()
  return connection
}

/** A started connection to the run's cluster. */
export async function clusterConnection(): Promise<RedisConnection> {
  const { nodes, password } = testRedisCluster()
  const connection = connectRedis({ nodes, password: password ?? undefined })
  await connection.start()
  return connection
}
