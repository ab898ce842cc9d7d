import { libraryBuild } from '@cidadao/workspace/tsup'

// The workers' entry points are files of their own: threads and processes are started from them by URL.
export default libraryBuild({ entry: ['src/index.ts', 'src/worker.ts', 'src/process-worker.ts', 'src/testing/index.ts'] })
