import { vitestPreset } from '@cidadao/workspace/vitest'
import type { ViteUserConfig } from 'vitest/config'

const preset = vitestPreset({
  name: 'nested',
  globalSetup: ['@cidadao/testing/postgres-setup', '@cidadao/testing/redis-setup', '@cidadao/testing/redis-cluster-setup'],
  testTimeoutMs: 120_000,
})

const config: ViteUserConfig = { ...preset, test: { ...preset.test, include: ['*.nested.ts'], reporters: ['default'] } }

/** A test run inside a test: what the set-ups do as a whole is seen from outside only. */
export default config
