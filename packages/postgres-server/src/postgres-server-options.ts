import { silentLogger, type Logger } from '@cidadao/contracts'
import { PostgresServerOptionsError } from './errors.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'

export const POSTGRES_SERVER_MODES = ['durable', 'throwaway'] as const
export type PostgresServerMode = (typeof POSTGRES_SERVER_MODES)[number]

interface CommonOptions {
  /** TCP port on the loopback address; 0 takes a free one. A live server that is attached to keeps its own. @default 0 */
  readonly port?: number
  /** Superuser's password. @default random; in the durable mode the one kept in the data folder */
  readonly password?: string
  /** PostgreSQL settings, as `{ max_connections: '200' }`. Address, port and folders are not settings. @default {} */
  readonly settings?: Readonly<Record<string, string>>
  /** Which programs to run. @default `findPostgresBinaries()` */
  readonly binaries?: PostgresBinaries
  /** Longest time to become ready, crash recovery included, in milliseconds. @default 60_000 */
  readonly startTimeoutMs?: number
  /** Longest time of a fast shutdown before an immediate one, in milliseconds. @default 15_000 */
  readonly stopTimeoutMs?: number
  /** @default silent */
  readonly logger?: Logger
}

/** Data that is to stay. The server outlives this process when it is killed; the next `start` attaches to it. */
export interface DurableServerOptions extends CommonOptions {
  readonly mode: 'durable'
  /** Folder for the data, made where missing. */
  readonly dataDir: string
}

/** Fast and forgetful, for tests: no fsync, a temporary folder, and gone with this process however it ends. */
export interface ThrowawayServerOptions extends CommonOptions {
  readonly mode: 'throwaway'
  /**
   * A folder of yours that outlives `stop`, so that the data is there at the next `start`; you remove it.
   * @default a new temporary folder a start, removed by `stop` or with this process
   */
  readonly dataDir?: string
}

export type PostgresServerOptions = DurableServerOptions | ThrowawayServerOptions

export interface ResolvedServerOptions {
  readonly storage:
    { readonly mode: 'durable'; readonly dataDir: string } | { readonly mode: 'throwaway'; readonly dataDir: string | undefined }
  readonly port: number
  readonly password: string | undefined
  readonly settings: Readonly<Record<string, string>>
  readonly binaries: PostgresBinaries | undefined
  readonly startTimeoutMs: number
  readonly stopTimeoutMs: number
  readonly logger: Logger
}

const DEFAULTS = Object.freeze({ port: 0, settings: {}, startTimeoutMs: 60_000, stopTimeoutMs: 15_000, logger: silentLogger })

/** What the options above, or this package, decide. */
const RESERVED_SETTINGS = [
  'listen_addresses',
  'port',
  'unix_socket_directories',
  'data_directory',
  'hba_file',
  'password_encryption',
  'timezone',
]

/** @throws PostgresServerOptionsError naming field, rule and value */
export function resolvePostgresServerOptions(options: PostgresServerOptions): ResolvedServerOptions {
  const port = options.port ?? DEFAULTS.port
  check(Number.isInteger(port) && port >= 0 && port <= 65_535, 'port', 'an integer from 0 to 65535', port)
  const settings = { ...(options.settings ?? DEFAULTS.settings) }
  for (const name of Object.keys(settings)) {
    check(/^[a-z_][\w.]*$/i.test(name), 'settings', 'names of PostgreSQL settings', name)
    check(!RESERVED_SETTINGS.includes(name.toLowerCase()), 'settings', 'only settings that this package does not decide itself', name)
  }
  if (options.password !== undefined)
    checkTrue(/^[^\s]{1,200}$/.test(options.password), 'password: 1 to 200 characters without blanks are required')
  return Object.freeze({
    storage: toStorage(options),
    port,
    password: options.password,
    settings: Object.freeze(settings),
    binaries: options.binaries,
    startTimeoutMs: positive('startTimeoutMs', options.startTimeoutMs ?? DEFAULTS.startTimeoutMs),
    stopTimeoutMs: positive('stopTimeoutMs', options.stopTimeoutMs ?? DEFAULTS.stopTimeoutMs),
    logger: options.logger ?? DEFAULTS.logger,
  })
}

function toStorage(options: PostgresServerOptions): ResolvedServerOptions['storage'] {
  // Checked at run time too: options also come from configuration files.
  check(POSTGRES_SERVER_MODES.includes(options.mode), 'mode', `one of ${POSTGRES_SERVER_MODES.join(', ')}`, options.mode)
  if (options.mode === 'throwaway') return { mode: 'throwaway', dataDir: options.dataDir }
  check(typeof options.dataDir === 'string' && options.dataDir.trim() !== '', 'dataDir', 'a path', options.dataDir)
  return { mode: 'durable', dataDir: options.dataDir }
}

function positive(field: string, value: number): number {
  check(Number.isFinite(value) && value > 0, field, 'a positive number of milliseconds', value)
  return value
}

function check(holds: boolean, field: string, rule: string, value: unknown): void {
  checkTrue(holds, `${field}: ${rule} is required, not ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`)
}

function checkTrue(holds: boolean, message: string): void {
  if (!holds) throw new PostgresServerOptionsError(message)
}
