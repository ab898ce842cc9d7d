import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { hasErrno, identifyProcess, isAlive, type ProcessIdentity } from '../process/process-identity.ts'

/** Records that this process uses the server; returns the file that says so. Call under the folder's lock. */
export async function joinUsers(usersDir: string): Promise<string> {
  const file = join(usersDir, `${String(process.pid)}-${randomUUID()}`)
  await writeFile(file, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600 })
  return file
}

/** Takes our record back and those of the dead; says how many living users remain. Call under the folder's lock. */
export async function leaveUsers(usersDir: string, ownFile: string): Promise<number> {
  await rm(ownFile, { force: true })
  let remaining = 0
  for (const name of await readdir(usersDir)) {
    const file = join(usersDir, name)
    if (await isUserAlive(file)) remaining += 1
    else await rm(file, { force: true })
  }
  return remaining
}

async function isUserAlive(file: string): Promise<boolean> {
  try {
    return isAlive(JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity)
  } catch (error) {
    // Half written by a process that was killed.
    if (hasErrno(error, 'ENOENT') || error instanceof SyntaxError) return false
    throw error
  }
}
