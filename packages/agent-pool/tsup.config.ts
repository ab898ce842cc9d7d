import { libraryBuild } from '@cidadao/workspace/tsup'

// The worker is a file of its own: threads are started from it by URL.
export default libraryBuild({ entry: ['src/index.ts', 'src/worker.ts'] })
