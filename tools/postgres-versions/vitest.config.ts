import { vitestPreset } from '@cidadao/workspace/vitest'

export default vitestPreset({ name: 'postgres-versions' })
