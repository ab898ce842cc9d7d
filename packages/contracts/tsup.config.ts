import { libraryBuild } from '@cidadao/workspace/tsup'

export default libraryBuild({ entry: ['src/index.ts'] })
