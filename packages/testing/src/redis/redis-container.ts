import { requireContainerEngine } from '../services/container-engine.ts'
import type { RedisClusterFixture } from './start-redis-cluster.ts'
import type { RedisFixture } from './start-redis.ts'

export async function startRedisInContainer(): Promise<RedisFixture> {
  await requireContainerEngine()
  throw new Error('not yet')
}

export async function startRedisClusterInContainer(): Promise<RedisClusterFixture> {
  await requireContainerEngine()
  throw new Error('not yet')
}
