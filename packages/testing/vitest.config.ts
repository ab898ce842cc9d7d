import { vitestPreset } from '@cidadao/workspace/vitest'

export default vitestPreset({
  name: 'testing',
  globalSetup: ['@cidadao/testing/postgres-setup', '@cidadao/testing/redis-setup', '@cidadao/testing/redis-cluster-setup'],
})
