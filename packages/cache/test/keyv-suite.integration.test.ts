import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import { Keyv } from 'keyv'
import * as vitest from 'vitest'
import { cacheAsKeyvStore, createCache, definePolicy } from '../src/index.ts'
import { keyvRedisStore, redisTier, type RedisConnection } from '../src/redis/index.ts'
import { clusterConnection, singleConnection } from './redis-connections.ts'

const { afterAll, beforeAll, describe } = vitest

// The official suite of Keyv for storage adapters, run as its authors wrote it.
describe.each([
  ['single', singleConnection],
  ['cluster', clusterConnection],
] as const)('the official Keyv suite on Redis %s', (mode, connect) => {
  let connection: RedisConnection
  beforeAll(async () => {
    connection = await connect()
  })
  afterAll(() => connection.stop())

  describe('@keyv/redis over our connection', () => {
    const store = () => keyvRedisStore(connection, { namespace: `suite-${mode}-${process.pid}` })
    keyvTestSuite(vitest, Keyv, store)
    keyvIteratorTests(vitest, Keyv, store)
  })

  describe('a namespace of the cache', () => {
    const policy = definePolicy({ name: 'suite', ttlMs: 60_000, jitter: 0 })
    const environment = `suite-${mode}-${process.pid}`
    const caches: { stop(): Promise<void> }[] = []
    afterAll(() => Promise.all(caches.map((cache) => cache.stop())))
    keyvTestSuite(vitest, Keyv, () => {
      const cache = createCache({ environment, tiers: [redisTier(connection)], guard: { budgetMs: 5_000 } })
      caches.push(cache)
      return cacheAsKeyvStore(cache.namespace(policy))
    })
  })
})
