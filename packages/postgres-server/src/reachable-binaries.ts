import { cp, mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PostgresPathUnreachableError } from './errors.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { hasErrno } from './process/process-identity.ts'
import { requireReachable, type ServerAccount } from './process/server-account.ts'

/** Where root keeps what can be made again. Nobody else writes there, so nobody can put programs there for us to run. */
const PROGRAMS_FOLDER = '/var/cache/cidadao'

/**
 * The programs where `account` may run them. A checkout in a folder of root's own (`/root`, a closed temporary folder)
 * is out of its reach: the programs that npm brought are then copied, once a version, to where it may go.
 *
 * @throws PostgresPathUnreachableError when the system's own programs are out of reach
 */
export async function reachableBinaries(binaries: PostgresBinaries, account: ServerAccount): Promise<PostgresBinaries> {
  try {
    await requireReachable(binaries.binDir, account, 'binaries')
    return binaries
  } catch (error) {
    if (!(error instanceof PostgresPathUnreachableError) || binaries.source !== 'npm') throw error
    const copy = await copiedBinaries(binaries)
    await requireReachable(copy.binDir, account, 'binaries')
    return copy
  }
}

async function copiedBinaries(binaries: PostgresBinaries): Promise<PostgresBinaries> {
  const folder = join(PROGRAMS_FOLDER, `postgresql-${binaries.version}-${process.arch}`)
  if (!(await exists(folder))) await copyWhole(dirname(binaries.binDir), folder)
  const binDir = join(folder, basename(binaries.binDir))
  return { ...binaries, binDir, initdb: join(binDir, basename(binaries.initdb)), postgres: join(binDir, basename(binaries.postgres)) }
}

/** Under another name first: whoever sees the folder sees all of it. Several processes may do so at once. */
async function copyWhole(source: string, target: string): Promise<void> {
  const draft = `${target}.${process.pid}`
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  await cp(source, draft, { recursive: true, verbatimSymlinks: true })
  try {
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (hasErrno(error, 'ENOENT')) return false
      throw error
    },
  )
}
