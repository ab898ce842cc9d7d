import { vitestPreset } from '@cidadao/workspace/vitest'

export default vitestPreset({ name: 'bench' })
