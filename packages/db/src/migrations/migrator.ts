import { silentLogger, toError, type Logger } from '@cidadao/contracts'
import pg from 'pg'
import { ConnectionLostError } from '../errors/connection-errors.ts'
import {
  DatabaseNewerError,
  DatabaseNotEmptyError,
  MigrationEditedError,
  MigrationFailedError,
  MigrationLockTimeoutError,
  MigrationUnfinishedError,
} from '../errors/migration-errors.ts'
import { translateError } from '../errors/translate-error.ts'
import { MIGRATIONS } from '../generated/migrations.ts'
import { toClientConfig } from '../pool/connection-pool.ts'
import { resolvePoolOptions, type PoolOptions } from '../pool/pool-options.ts'
import { checksumOf, isAtomic, type Migration } from './migration.ts'
import { MigrationTable, type MigrationRecord } from './migration-table.ts'

export interface MigratorOptions {
  /** Address of the database; it must go straight to the server, since the lock belongs to the session. */
  readonly url: string
  /** Of these, application name and TLS count here. @default {} */
  readonly pool?: PoolOptions
  /** Longest wait for another process that migrates, in milliseconds. @default 60_000 */
  readonly lockTimeoutMs?: number
  /** @default those of this package */
  readonly migrations?: readonly Migration[]
  /** @default silent */
  readonly logger?: Logger
}

export interface MigrationReport {
  /** Names applied by this call, in order. */
  readonly applied: readonly string[]
  /** Name of the newest migration in the database. */
  readonly current: string | null
}

export interface MigrationStatus {
  readonly applied: readonly string[]
  readonly pending: readonly string[]
}

/** The number that Prisma's own command line locks, so that the two exclude each other. */
const PRISMA_LOCK = 72_707_369
const DEFAULT_LOCK_TIMEOUT_MS = 60_000
/** How soon the server notices that a migrating process is gone, ends its statement, and frees the lock. */
const CLIENT_CHECK = '2s'
/** SQLSTATE of a setting that the server's operating system cannot keep. */
const UNSUPPORTED_SETTING = '22023'

/**
 * Applies what is missing, each migration once however many processes start at the same time.
 *
 * Does what `prisma migrate deploy` does, on the same table and under the same lock, with two differences. It is
 * stricter: an applied migration that was edited is refused, as is a database with migrations that this version does
 * not know. And it heals: each file and the note that it is applied are one transaction, so that a run that was
 * interrupted left nothing, and is made again by the next call.
 */
export async function migrate(options: MigratorOptions): Promise<MigrationReport> {
  const migrations = options.migrations ?? MIGRATIONS
  return withSession(options, async (client) => {
    await lock(client, options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS)
    const table = new MigrationTable(client)
    if (!(await table.exists())) {
      if (await table.hasForeignTables()) throw notEmpty()
      await table.create()
    }
    const logger = options.logger ?? silentLogger
    const records = await table.records()
    const pending = pendingOf(migrations, records)
    for (const { id, name } of records.filter(({ state }) => state === 'interrupted')) {
      // We hold the lock of the session that ran it, so that session is over and its transaction with it.
      await table.forget(id)
      logger.warn('an interrupted database migration left nothing and is made again', { migration: name })
    }
    for (const migration of pending) {
      await apply(client, table, migration)
      logger.info('database migration applied', { migration: migration.name })
    }
    return { applied: pending.map(({ name }) => name), current: migrations.at(-1)?.name ?? null }
  })
}

/** What is applied and what is missing; changes nothing. Throws as `migrate` for a database that it would refuse. */
export async function migrationStatus(options: MigratorOptions): Promise<MigrationStatus> {
  const migrations = options.migrations ?? MIGRATIONS
  return withSession(options, async (client) => {
    const table = new MigrationTable(client)
    const pending = pendingOf(migrations, (await table.exists()) ? await table.records() : []).map(({ name }) => name)
    return { pending, applied: migrations.map(({ name }) => name).filter((name) => !pending.includes(name)) }
  })
}

/**
 * Declares that a failed migration has been undone by hand, so that the next `migrate` tries it again. Returns how
 * many failed runs were marked.
 */
export async function markRolledBack(options: MigratorOptions, name: string): Promise<number> {
  return withSession(options, async (client) => {
    await lock(client, options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS)
    return new MigrationTable(client).markRolledBack(name)
  })
}

async function withSession<T>(options: MigratorOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    ...toClientConfig(options.url, resolvePoolOptions(options.pool)),
    // A migration takes as long as it takes.
    statement_timeout: 0,
    query_timeout: 0,
    lock_timeout: 0,
  })
  client.on('error', () => {}) // the statement that runs then fails with it; unheard, it would end the process
  try {
    await client.connect()
    await client.query('SET statement_timeout = 0')
    await noticeOurEnd(client)
    return await work(client)
  } catch (error) {
    throw translateError(error)
  } finally {
    await client.end()
  }
}

/** Linux and most others can; where not, a killed process keeps the lock until its statement ends by itself. */
async function noticeOurEnd(client: pg.Client): Promise<void> {
  try {
    await client.query(`SET client_connection_check_interval = '${CLIENT_CHECK}'`)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== UNSUPPORTED_SETTING) throw error
  }
}

async function lock(client: pg.Client, timeoutMs: number): Promise<void> {
  await client.query(`SET lock_timeout = ${Math.max(1, Math.trunc(timeoutMs))}`)
  try {
    await client.query('SELECT pg_advisory_lock($1)', [PRISMA_LOCK])
  } catch (error) {
    const failure = translateError(error)
    if (failure.code !== 'DB_LOCK_TIMEOUT') throw failure
    throw new MigrationLockTimeoutError(`another process has been migrating this database for ${timeoutMs} ms`, {
      cause: failure,
      facts: { timeoutMs },
    })
  }
  await client.query('SET lock_timeout = 0')
}

/** The migrations still to run. Throws where the database is not one that this version may touch. */
function pendingOf(migrations: readonly Migration[], records: readonly MigrationRecord[]): readonly Migration[] {
  const unfinished = records.find(({ state }) => state === 'unfinished')
  if (unfinished !== undefined) throw unfinishedError(unfinished)
  const applied = new Map(records.filter(({ state }) => state === 'applied').map((record) => [record.name, record]))
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  const unknown = [...applied.keys()].filter((name) => !known.has(name))
  if (unknown.length > 0) throw newerError(unknown, migrations.at(-1)?.name ?? null)
  for (const record of applied.values()) {
    const migration = known.get(record.name)
    if (migration !== undefined && checksumOf(migration) !== record.checksum) throw editedError(record.name)
  }
  return migrations.filter(({ name }) => !applied.has(name))
}

async function apply(client: pg.Client, table: MigrationTable, migration: Migration): Promise<void> {
  const id = await table.begin(migration)
  try {
    // Without parameters the whole text goes as one message, and so as one transaction.
    if (isAtomic(migration)) await client.query(`${migration.sql}\n;\n${table.finishing(id)}`)
    else await client.query(migration.sql)
  } catch (error) {
    const failure = translateError(error)
    // The server did not answer, and this connection cannot write down anything any more.
    if (failure instanceof ConnectionLostError) throw failure
    const { message } = toError(error)
    // A file with a BEGIN of its own leaves an aborted transaction behind; otherwise this only draws a notice.
    await client.query('ROLLBACK')
    await table.fail(id, message)
    throw new MigrationFailedError(`migration ${migration.name} failed: ${message}`, {
      cause: error,
      facts: { migration: migration.name },
    })
  }
  if (!isAtomic(migration)) await client.query(table.finishing(id))
}

function unfinishedError({ name, logs }: MigrationRecord): MigrationUnfinishedError {
  const why = logs === null ? 'it was interrupted, and may have been done in part or whole' : `it failed with: ${logs}`
  return new MigrationUnfinishedError(
    `migration ${name} did not finish (${why}): undo what is there of it and call markRolledBack or ` +
      `"prisma migrate resolve --rolled-back ${name}", or complete it by hand and call "prisma migrate resolve --applied ${name}"`,
    { facts: { migration: name } },
  )
}

function editedError(name: string): MigrationEditedError {
  return new MigrationEditedError(`migration ${name} was edited after it was applied: restore the file and add a new migration`, {
    facts: { migration: name },
  })
}

function newerError(unknown: readonly string[], newestKnown: string | null): DatabaseNewerError {
  return new DatabaseNewerError(
    `the database belongs to a newer version: it has ${unknown.join(', ')}, and this version ends at ${newestKnown ?? 'none'}; upgrade the program`,
    { facts: { unknown: unknown.join(', '), newestKnown } },
  )
}

function notEmpty(): DatabaseNotEmptyError {
  return new DatabaseNotEmptyError('the database has a table "investigations" that no migration of ours made: use an empty database')
}
