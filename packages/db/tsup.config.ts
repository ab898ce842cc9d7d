import { libraryBuild } from '@cidadao/workspace/tsup'
import type { Options } from 'tsup'

const build = libraryBuild({ entry: ['src/index.ts'] }) as Options

export default {
  ...build,
  // Prisma's generated client has no annotations on its exports; the sources are checked for them by `typecheck`.
  dts: { compilerOptions: { composite: false, incremental: false, customConditions: [], isolatedDeclarations: false } },
} satisfies Options
