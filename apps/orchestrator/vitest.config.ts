import { vitestPreset } from '@cidadao/workspace/vitest'

export default vitestPreset({
  name: 'orchestrator',
  globalSetup: ['@cidadao/testing/postgres-setup', '@cidadao/testing/redis-cluster-setup'],
  testTimeoutMs: 30_000,
})
