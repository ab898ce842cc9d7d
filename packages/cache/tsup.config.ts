import { libraryBuild } from '@cidadao/workspace/tsup'

export default libraryBuild({ entry: { index: 'src/index.ts', redis: 'src/redis/index.ts', postgres: 'src/postgres/index.ts' } })
