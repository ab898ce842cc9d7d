import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { link, mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from '@cidadao/contracts'
import { syncFolder } from '../anchors/durable-files.ts'
import { AuditKeyError } from './key-errors.ts'

const OWNER_ONLY = 0o600
const PERMISSIONS_OF_OTHERS = 0o077
/** A key is about a hundred bytes plus its name; a file that is much longer is something else. */
const LONGEST_KEY_BYTES = 4_096

/** The text of a key file; undefined where there is no such file. Throws `AuditKeyError` where others may read it. */
export async function readKeyFile(path: string): Promise<string | undefined> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new AuditKeyError('can be read', { path, cause: error })
  }
  try {
    // Asked of the open file, so that nobody can exchange it between the question and the reading.
    requirePrivate(await file.stat(), path)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/**
 * Puts `text` into a new file that only its owner may read, complete or not at all. Where somebody else was faster the
 * file stays as it is: read it afterwards, so that all processes go on with the same key.
 */
export async function createKeyFile(path: string, text: string): Promise<'created' | 'found'> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    await writePrivate(draft, text)
    // Unlike a rename, a link never replaces what is there.
    await link(draft, path)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'found'
    throw new AuditKeyError('can be written', { path, cause: error })
  } finally {
    await rm(draft, { force: true })
  }
  await syncFolder(dirname(path))
  return 'created'
}

async function writePrivate(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, OWNER_ONLY)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

function requirePrivate(stats: Stats, path: string): void {
  if (!stats.isFile()) throw new AuditKeyError('is a file', { path })
  if (stats.size > LONGEST_KEY_BYTES) throw new AuditKeyError(`has at most ${LONGEST_KEY_BYTES} bytes`, { path })
  // Windows has no such bits: Node reports every file as readable by all.
  if (process.platform === 'win32') return
  if ((stats.mode & PERMISSIONS_OF_OTHERS) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
    throw new AuditKeyError(`is of its owner alone, mode 0600; it has ${mode}: chmod 600, and rotate a key that others could read`, {
      path,
    })
  }
}
