import { vitestPreset } from '@cidadao/workspace/vitest'

// Servers that wait for a busy disk take their time.
export default vitestPreset({ name: 'postgres-server', testTimeoutMs: 60_000 })
