import { readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { answersToSignals, hasErrno, identifyProcess, type ProcessIdentity } from '../process/process-identity.ts'

/** What a running server writes about itself into `postmaster.pid` in its data folder. */
export interface Postmaster {
  readonly process: ProcessIdentity
  readonly port: number
  readonly state: 'starting' | 'ready' | 'stopping'
}

/** The live server of this cluster folder; `undefined` where none runs, even if one left its file behind. */
export async function findPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const lines = (await readIfPresent(join(clusterDir, 'postmaster.pid')))?.split('\n')
  if (lines === undefined) return undefined
  const pid = Number(lines[0])
  const identity = Number.isInteger(pid) && pid > 0 ? identifyProcess(pid) : undefined
  if (identity === undefined || !(await runsInFolder(pid, clusterDir))) return undefined
  return { process: identity, port: Number(lines[3] ?? 0), state: toState(lines[7]) }
}

/**
 * Removes what a killed server left behind, but only where its id has gone to another program, which PostgreSQL would
 * take for itself and refuse to start. In every other case its own checks decide: they also see orphaned backends that
 * still write. Call only where `findPostmaster` found nobody, under the folder's lock.
 */
export async function removeMisleadingFile(clusterDir: string): Promise<void> {
  const file = join(clusterDir, 'postmaster.pid')
  const pid = Number((await readIfPresent(file))?.split('\n')[0])
  if (Number.isInteger(pid) && pid > 0 && answersToSignals(pid)) await rm(file, { force: true })
}

function toState(line: string | undefined): Postmaster['state'] {
  switch (line?.trim()) {
    case 'ready':
    case 'standby':
      return 'ready'
    case 'stopping':
      return 'stopping'
    default:
      return 'starting'
  }
}

/** An id may have gone to another program since. A postmaster's current folder is its data folder; only Linux tells. */
async function runsInFolder(pid: number, clusterDir: string): Promise<boolean> {
  if (process.platform !== 'linux') return true
  try {
    return (await readlink(`/proc/${String(pid)}/cwd`)) === clusterDir
  } catch (error) {
    // Not ours to look at: then it is not a server that this account started.
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return false
    throw error
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
