import { createHash } from 'node:crypto'
import { lstat, mkdir, realpath, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PostgresPathUnreachableError } from '../errors.ts'
import { hasErrno } from '../process/process-identity.ts'
import { chooseAccount, requireReachable } from '../process/server-account.ts'

/** Where root keeps the data of services. */
const DATA_FOLDER = '/var/lib/cidadao'

/**
 * The folder for the data at `path`, which is absolute, links followed. For a new one that the server's account could not enter (a
 * checkout under `/root`, say) it is a folder of the machine's, and `path` becomes a link to it.
 */
export async function reachableFolder(path: string): Promise<string> {
  const account = await chooseAccount()
  if (account.ids === undefined) return path
  if (await exists(path)) return realpath(path)
  await mkdir(dirname(path), { recursive: true })
  try {
    await requireReachable(dirname(path), account, 'data')
    return path
  } catch (error) {
    if (!(error instanceof PostgresPathUnreachableError)) throw error
    return linkedFolder(path)
  }
}

async function linkedFolder(path: string): Promise<string> {
  const folder = join(DATA_FOLDER, createHash('sha256').update(path).digest('hex').slice(0, 16))
  await mkdir(folder, { recursive: true, mode: 0o755 })
  await symlink(folder, path).catch((error: unknown) => {
    // Another process that names the same folder was faster.
    if (!hasErrno(error, 'EEXIST')) throw error
  })
  return realpath(path)
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (hasErrno(error, 'ENOENT')) return false
      throw error
    },
  )
}
