import { libraryBuild } from '@cidadao/workspace/tsup'

export default libraryBuild({ entry: ['src/index.ts', 'src/redis/index.ts', 'src/postgres/index.ts'] })
