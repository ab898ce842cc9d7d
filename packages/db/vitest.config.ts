import { vitestPreset } from '@cidadao/workspace/vitest'

export default vitestPreset({ name: 'db', globalSetup: ['@cidadao/testing/postgres-setup'] })
