import { vitestPreset } from '@cidadao/workspace/vitest'

export default vitestPreset({ name: 'prisma-engine', globalSetup: ['@cidadao/testing/postgres-setup'], testTimeoutMs: 60_000 })
