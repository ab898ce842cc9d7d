import { vitestPreset } from './src/vitest-preset.ts'

export default vitestPreset({ name: 'workspace', testTimeoutMs: 60_000 })
