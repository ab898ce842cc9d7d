import { applicationBuild } from '@cidadao/workspace/tsup'

export default applicationBuild({ entry: ['src/main.ts'] })
