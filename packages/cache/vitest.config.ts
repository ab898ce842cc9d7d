import { vitestPreset } from '@cidadao/workspace/vitest'

export default vitestPreset({
  name: 'cache',
  globalSetup: ['@cidadao/testing/redis-setup', '@cidadao/testing/redis-cluster-setup', '@cidadao/testing/postgres-setup'],
})
