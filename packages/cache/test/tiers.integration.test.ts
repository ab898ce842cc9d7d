import { delay, systemClock } from '@cidadao/contracts'
import { afterAll, beforeAll, describe } from 'vitest'
import { postgresTier } from '../src/postgres/index.ts'
import { keyvOverRedis, redisTier, type RedisConnection } from '../src/redis/index.ts'
import { keyvTier } from '../src/tiers/keyv-tier.ts'
import type { Tier } from '../src/tiers/tier.ts'
import { testPool, type TestPool } from './pg-pool.ts'
import { clusterConnection, singleConnection } from './redis-connections.ts'
import { clockConformance } from './clock-conformance.ts'
import { tierConformance } from './tier-conformance.ts'

// The services' own clocks cannot be moved, so these wait, with a margin that only slowness of the service could eat.
const pass = (ms: number): Promise<void> => delay(systemClock, ms)

describe.each([
  ['single', singleConnection],
  ['cluster', clusterConnection],
] as const)('on Redis %s', (mode, connect) => {
  let connection: RedisConnection
  let redis: Tier
  let keyv: Tier

  beforeAll(async () => {
    connection = await connect()
    redis = redisTier(connection)
    keyv = keyvTier(keyvOverRedis(connection, { namespace: `conformance-${mode}-${process.pid}` }))
  })
  afterAll(() => connection.stop())

  tierConformance(`Redis ${mode}`, { tier: () => redis, pass, fenced: true })
  clockConformance(`Redis ${mode}`, { tier: () => redis, pass, beyondLog: 1_500 })
  tierConformance(`Keyv over Redis ${mode}`, { tier: () => keyv, pass, fenced: false })
})

describe('on PostgreSQL', () => {
  let pool: TestPool
  let postgres: Tier

  beforeAll(async () => {
    pool = await testPool()
    postgres = postgresTier(pool)
  })
  afterAll(() => pool.end())

  tierConformance('PostgreSQL', { tier: () => postgres, pass, fenced: true })
  clockConformance('PostgreSQL', { tier: () => postgres, pass, beyondLog: 250 })
})
