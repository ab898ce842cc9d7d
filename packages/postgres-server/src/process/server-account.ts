import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PostgresPathUnreachableError, PostgresServerOptionsError } from '../errors.ts'

/** Whom the server runs as. PostgreSQL refuses to run as root. */
export interface ServerAccount {
  readonly name: string
  /** Present where we are root and must step down; absent where the server runs as we do. */
  readonly ids?: { readonly uid: number; readonly gid: number }
}

/** Accounts that a machine already has, best first. None is ever created. */
const CANDIDATES = ['postgres', 'nobody']

/** The account for a new data folder: ours, or as root the first of `postgres` and `nobody` that exists. */
export async function chooseAccount(passwdFile = '/etc/passwd'): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return { name: 'the current user' }
  const entries = (await readFile(passwdFile, 'utf8')).split('\n').map((line) => line.split(':'))
  for (const candidate of CANDIDATES) {
    const [name, , uid, gid] = entries.find(([entry]) => entry === candidate) ?? []
    if (name !== undefined && uid !== undefined && gid !== undefined) return { name, ids: { uid: Number(uid), gid: Number(gid) } }
  }
  throw new PostgresServerOptionsError(
    'PostgreSQL does not run as root, and neither "postgres" nor "nobody" exists: run as an ordinary user',
  )
}

/** The account that an existing data folder belongs to: as root we become its owner, so that it stays readable. */
export async function accountOfFolder(folder: string): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return { name: 'the current user' }
  const { uid, gid } = await stat(folder)
  if (uid === 0) return chooseAccount()
  return { name: `uid ${String(uid)}`, ids: { uid, gid } }
}

/** Fails where `account` may not enter one of the folders on the way to `path`. Only asked where the account is not ours. */
export async function requireReachable(path: string, account: ServerAccount, what: string): Promise<void> {
  if (account.ids === undefined) return
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder)
    const bit = uid === account.ids.uid ? 0o100 : gid === account.ids.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) throw unreachable(folder, account, what)
    if (folder === dirname(folder)) return
  }
}

function unreachable(folder: string, account: ServerAccount, what: string): PostgresPathUnreachableError {
  return new PostgresPathUnreachableError(
    `PostgreSQL does not run as root, and the account "${account.name}" may not enter ${folder}, where its ${what} lies: ` +
      'put it in a folder that others may enter, or run as an ordinary user',
    { facts: { folder, account: account.name, what } },
  )
}
