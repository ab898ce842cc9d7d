import { vitestPreset } from '@cidadao/workspace/vitest'

export default vitestPreset({
  name: 'testing',
  // Whole test runs are tests here.
  testTimeoutMs: 120_000,
  globalSetup: ['@cidadao/testing/postgres-setup', '@cidadao/testing/redis-setup', '@cidadao/testing/redis-cluster-setup'],
})
