import { chmod, chown, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { PostgresFolderForeignError, PostgresFolderNotWritableError } from '../errors.ts'
import { hasErrno } from '../process/process-identity.ts'
import { reachableFolder } from './reachable-folder.ts'
import { accountOfFolder, chooseAccount, requireReachable, type ServerAccount } from '../process/server-account.ts'

const MARKER = 'cidadao-postgres.json'

/**
 * Our folder around the server's own: `cluster/` is PostgreSQL's and belongs to its account, everything beside it is
 * ours and closed to that account (`password`, `server.log`, `users/`, `lock`).
 */
export interface DataFolder {
  readonly root: string
  readonly clusterDir: string
  readonly passwordFile: string
  readonly logFile: string
  readonly usersDir: string
  readonly lockFile: string
  readonly account: ServerAccount
}

/**
 * Opens our folder, or makes it where there is nothing or an empty one. As root, a new one in a folder closed to the
 * server's account becomes a link to one that it may enter.
 *
 * @throws PostgresFolderForeignError where something else is in it; nothing is changed
 * @throws PostgresFolderNotWritableError
 * @throws PostgresPathUnreachableError as root, where the server's account cannot get there
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  try {
    return await openWritable(await reachableFolder(resolve(path)))
  } catch (error) {
    if (!hasErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST')) throw error
    throw new PostgresFolderNotWritableError(
      `the data folder ${resolve(path)} cannot be created or written: choose another, or mend its permissions`,
      {
        cause: error,
        facts: { dataDir: resolve(path) },
      },
    )
  }
}

async function openWritable(path: string): Promise<DataFolder> {
  await mkdir(path, { recursive: true })
  const root = await realpath(path)
  await claim(root)
  const clusterDir = join(root, 'cluster')
  const account = (await exists(clusterDir)) ? await accountOfFolder(clusterDir) : await chooseAccount()
  // The server's account passes through, and no more.
  await chmod(root, account.ids === undefined ? 0o700 : 0o711)
  await requireReachable(root, account, 'data')
  const usersDir = join(root, 'users')
  await mkdir(usersDir, { recursive: true, mode: 0o700 })
  const [passwordFile, logFile, lockFile] = [join(root, 'password'), join(root, 'server.log'), join(root, 'lock')]
  return { root, clusterDir, passwordFile, logFile, usersDir, lockFile, account }
}

/** The marker is what makes a folder ours; it is only ever put into an empty one. */
async function claim(root: string): Promise<void> {
  const marker = join(root, MARKER)
  if (await exists(marker)) return
  const names = (await readdir(root)).filter((name) => name !== MARKER)
  if (names.length > 0 && !(await exists(marker))) {
    throw new PostgresFolderForeignError(
      `${root} is not empty and was not made by this program (it has "${names[0] ?? ''}"): choose an empty or a new data folder`,
      { facts: { dataDir: root, entries: names.length } },
    )
  }
  await writeFile(marker, `${JSON.stringify({ layout: 1 })}\n`, { mode: 0o600 })
}

/** The major version that wrote the cluster; `undefined` where there is none yet. */
export async function clusterMajor(folder: DataFolder): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(join(folder.clusterDir, 'PG_VERSION'), 'utf8'), 10)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Fills the cluster folder through a second one that is renamed when it is complete, so that a kill half-way leaves
 * no half of a cluster behind.
 */
export async function buildCluster(folder: DataFolder, fill: (unfinishedDir: string) => Promise<void>): Promise<void> {
  const unfinished = `${folder.clusterDir}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  await giveTo(unfinished, folder.account)
  await fill(unfinished)
  await rename(unfinished, folder.clusterDir)
}

/** Hands a file or folder of ours to the server's account. */
export async function giveTo(path: string, account: ServerAccount): Promise<void> {
  if (account.ids !== undefined) await chown(path, account.ids.uid, account.ids.gid)
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false
    throw error
  }
}
