import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '@cidadao/config'
import { hasCode } from '@cidadao/contracts'
import { UsageError } from './errors.ts'

export interface ApiKey {
  readonly key: string
  /** File of a generated key; absent when the configuration gives the key. */
  readonly keptIn?: string
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])
const KEY_BYTES = 24
const KEY_PATTERN = /^[\w-]{32,}$/

/**
 * The configured key, or one of our own, generated once and readable by this user alone. Only on loopback: whoever opens
 * the API to a network has to choose a key.
 *
 * @throws UsageError when there is no key and none may be made, or the kept one is damaged.
 */
export async function apiKeyOf({ http, db }: Pick<Config, 'http' | 'db'>): Promise<ApiKey> {
  if (http.apiKey !== undefined) return { key: http.apiKey.reveal() }
  if (!LOOPBACK.has(http.host)) {
    throw new UsageError(
      `CIDADAO_API_KEY must be set when CIDADAO_HTTP_HOST is not a loopback address, got ${http.host}; set it, or listen on 127.0.0.1`,
    )
  }
  // Beside the database's folder, not in it: PostgreSQL owns that one.
  const keptIn = join(dirname(db.dataDir), LOCAL_KEY_FILE)
  await mkdir(dirname(keptIn), { recursive: true })
  await createIfMissing(keptIn)
  return { key: await read(keptIn), keptIn }
}

const LOCAL_KEY_FILE = '.cidadao-local-key'

/** Written beside and then linked: nobody ever reads half a key, and of two that start at once one wins. */
async function createIfMissing(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    await link(draft, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    await rm(draft, { force: true })
  }
}

async function read(path: string): Promise<string> {
  const key = (await readFile(path, 'utf8')).trim()
  if (!KEY_PATTERN.test(key)) throw new UsageError(`${path} holds no key; delete the file, and the next start makes a new one`)
  // It may have been copied here, with whatever permissions.
  await chmod(path, 0o600)
  return key
}
