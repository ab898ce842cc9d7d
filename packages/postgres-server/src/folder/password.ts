import { randomBytes } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { PostgresPasswordConflictError, PostgresServerOptionsError } from '../errors.ts'
import { hasErrno } from '../process/process-identity.ts'

/**
 * The superuser's password of a data folder: what its file says; where there is none yet, `wanted` or a new random
 * one, kept from then on, readable by us alone.
 *
 * @throws PostgresPasswordConflictError where `wanted` is not what the folder was created with
 */
export async function settlePassword(file: string, wanted: string | undefined): Promise<string> {
  const kept = (await readPassword(file)) ?? (await keepPassword(file, wanted ?? randomBytes(24).toString('base64url')))
  if (wanted !== undefined && wanted !== kept) {
    throw new PostgresPasswordConflictError(`the data folder was created with another password, which is in ${file}: give no password`, {
      facts: { passwordFile: file },
    })
  }
  return kept
}

async function readPassword(file: string): Promise<string | undefined> {
  try {
    const password = (await readFile(file, 'utf8')).trimEnd()
    if (password === '') throw new PostgresServerOptionsError(`the password file ${file} is empty: restore it from a backup`)
    return password
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Appears complete or not at all: a server created with a password that was then lost is a lost server. */
async function keepPassword(file: string, password: string): Promise<string> {
  const draft = `${file}.draft`
  await rm(draft, { force: true })
  await writeFile(draft, `${password}\n`, { mode: 0o600, flag: 'wx', flush: true })
  await link(draft, file)
  await rm(draft)
  return password
}
