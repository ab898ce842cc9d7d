import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withFileLock } from '@cidadao/postgres-server'

const PINNED = join(import.meta.dirname, '../pinned')
/** Beside what npm installed, so that it goes when that goes. */
const CACHE = join(import.meta.dirname, '../../../node_modules/.cache/cidadao/postgres-versions')
const INSTALL_TIMEOUT_MS = 300_000
const LOCK_WAIT_MS = INSTALL_TIMEOUT_MS + 30_000

/**
 * The folder with the pinned programs of this platform: `postgres-15-linux-x64` and so on, those that there are. npm
 * fetches them at the first call, about 70 MB, checks them against the lock file's hashes, and runs none of their
 * scripts. Several processes may ask at once.
 *
 * @throws Error when npm cannot fetch them
 */
export async function installPinned(): Promise<string> {
  const lockFile = await readFile(join(PINNED, 'package-lock.json'))
  const folder = join(CACHE, createHash('sha256').update(lockFile).digest('hex').slice(0, 16))
  const programs = join(folder, 'node_modules')
  if (await exists(programs)) return programs
  await mkdir(CACHE, { recursive: true })
  await withFileLock(`${folder}.lock`, { waitMs: LOCK_WAIT_MS }, async () => {
    if (!(await exists(programs))) await install(folder)
  })
  return programs
}

/** Under another name first: whoever sees the folder sees all of it. */
async function install(folder: string): Promise<void> {
  const draft = `${folder}.draft`
  await rm(draft, { recursive: true, force: true })
  await cp(PINNED, draft, { recursive: true })
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=optional', '--fetch-retries=1', '--prefix', draft]
  const options = { cwd: draft, timeout: INSTALL_TIMEOUT_MS, shell: process.platform === 'win32' }
  await promisify(execFile)('npm', args, options)
  await rename(draft, folder)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    },
  )
}
