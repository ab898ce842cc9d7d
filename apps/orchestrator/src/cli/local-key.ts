import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '@cidadao/config'
import { InfraError } from '@cidadao/contracts'

/** The call, or what it relies on, is wrong in a way that the message says how to mend. */
export class UsageError extends InfraError {
  readonly code = 'CLI_USAGE'
}

export interface ApiKey {
  readonly key: string
  /** File of a generated key; absent when the configuration gives the key. */
  readonly keptIn?: string
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * The configured key, or one of our own, generated once and readable by this user alone. Only on loopback: whoever opens
 * the API to a network has to choose a key.
 */
export async function apiKeyOf({ http, db }: Config): Promise<ApiKey> {
  if (http.apiKey !== undefined) return { key: http.apiKey.reveal() }
  if (!LOOPBACK.has(http.host)) {
    throw new UsageError(`CIDADAO_HTTP_API_KEY: must be set when CIDADAO_HTTP_HOST is not a loopback address, got ${http.host}`)
  }
  // Beside the database's folder, not in it: PostgreSQL owns that one.
  const keptIn = join(dirname(db.dataDir), LOCAL_KEY_FILE)
  await mkdir(dirname(keptIn), { recursive: true })
  return { key: await readOrCreate(keptIn), keptIn }
}

const LOCAL_KEY_FILE = '.cidadao-local-key'

async function readOrCreate(path: string): Promise<string> {
  const generated = randomBytes(24).toString('base64url')
  try {
    await writeFile(path, `${generated}\n`, { mode: 0o600, flag: 'wx' })
    return generated
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    return (await readFile(path, 'utf8')).trim()
  }
}
