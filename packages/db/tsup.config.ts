import { libraryBuild } from '@cidadao/workspace/tsup'
import type { Options } from 'tsup'

const build = libraryBuild({ entry: ['src/index.ts'] }) as Options

const config: Options = {
  ...build,
  // Prisma's generated client has no annotations on its exports; our sources are checked for theirs by `typecheck`.
  dts: { compilerOptions: { composite: false, incremental: false, customConditions: [], isolatedDeclarations: false } },
}

export default config
