import type { TestProject } from 'vitest/node'
import { redisWays } from './redis/redis-ways.ts'
import { runSetup } from './services/run-setup.ts'

/** Vitest global set-up: one single Redis for the package's run. Read it by `testRedis()`. */
export function setup(project: TestProject): Promise<() => Promise<void>> {
  return runSetup(project, 'cidadaoRedis', redisWays)
}
