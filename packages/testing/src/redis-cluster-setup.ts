import type { TestProject } from 'vitest/node'
import { redisClusterWays } from './redis/redis-ways.ts'
import { runSetup } from './services/run-setup.ts'

/** Vitest global set-up: a Redis Cluster, 3 primaries and 3 replicas, for the package's run. Read it by `testRedisCluster()`. */
export function setup(project: TestProject): Promise<() => Promise<void>> {
  return runSetup(project, 'cidadaoRedisCluster', redisClusterWays)
}
