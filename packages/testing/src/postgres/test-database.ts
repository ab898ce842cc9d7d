import { randomBytes } from 'node:crypto'
import { delay, systemClock, toError } from '@cidadao/contracts'
import type pg from 'pg'
import { TestKitOptionsError, TestTemplateError } from '../errors.ts'
import { testPostgres, type TestPostgres } from '../services/provided-context.ts'
import { toDatabaseUrl, withClient } from './sql-client.ts'

export interface TestDatabaseTemplate {
  /** Same name, same template, for all test files of a run: letters, digits and `_`, at most 30. */
  readonly name: string
  /** Fills the template once a run (migrations, say) and closes its connections before it resolves. */
  prepare(url: string): Promise<void>
}

export interface TestDatabaseOptions {
  /** What the database is a copy of. @default an empty database */
  readonly template?: TestDatabaseTemplate
  /** Which server. @default the one of `@cidadao/testing/postgres-setup` */
  readonly server?: Pick<TestPostgres, 'url' | 'runId'>
}

export interface TestDatabase {
  readonly url: string
  readonly name: string
  /** Ends all connections to it and removes it. May be called twice. */
  drop(): Promise<void>
}

const LEFT_CONNECTIONS_DEADLINE_MS = 5_000
/** STRATEGY came with version 15; before, every copy forced two checkpoints. */
const FIRST_WITH_STRATEGY = 150_000

/**
 * A database of its own for one test file.
 *
 * @throws TestTemplateError when `prepare` fails or leaves connections open
 */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { url, runId } = options.server ?? testPostgres()
  const name = `cidadao_test_${runId}_${randomBytes(5).toString('hex')}`
  await withClient(url, async (client) => {
    const template = options.template === undefined ? 'template0' : await ensureTemplate(client, url, { runId, template: options.template })
    await client.query(`create database ${name} template ${template} ${await strategy(client)}`)
  })
  return { url: toDatabaseUrl(url, name), name, drop: () => dropDatabase(url, name) }
}

/** Removes what a run made on a server that is not the run's own. */
export async function dropRunDatabases(url: string, runId: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `select datname from pg_database where datname like 'cidadao\\_%\\_${runId}\\_%'`,
    )
    for (const { datname } of rows) {
      await client.query(`alter database ${datname} is_template false`)
      await client.query(`drop database if exists ${datname} with (force)`)
    }
  })
}

interface TemplateContext {
  readonly runId: string
  readonly template: TestDatabaseTemplate
}

/** One process prepares, the others wait for its lock. `is_template` is set last and so means "complete". */
async function ensureTemplate(client: pg.Client, serverUrl: string, { runId, template }: TemplateContext): Promise<string> {
  if (!/^\w{1,30}$/.test(template.name)) {
    throw new TestKitOptionsError(`template.name: 1 to 30 letters, digits or _ are required, not ${JSON.stringify(template.name)}`)
  }
  const name = `cidadao_template_${runId}_${template.name}`.toLowerCase()
  await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [name])
  try {
    const { rows } = await client.query<{ datistemplate: boolean }>('select datistemplate from pg_database where datname = $1', [name])
    if (rows[0]?.datistemplate !== true) await prepareTemplate(client, { name, serverUrl, template })
  } finally {
    await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [name])
  }
  return name
}

interface PrepareContext {
  readonly name: string
  readonly serverUrl: string
  readonly template: TestDatabaseTemplate
}

async function prepareTemplate(client: pg.Client, { name, serverUrl, template }: PrepareContext): Promise<void> {
  // A half-filled one is what an earlier, failed attempt left.
  await client.query(`drop database if exists ${name} with (force)`)
  await client.query(`create database ${name} template template0 ${await strategy(client)}`)
  try {
    await template.prepare(toDatabaseUrl(serverUrl, name))
  } catch (thrown) {
    throw new TestTemplateError(`template "${template.name}" could not be prepared: ${toError(thrown).message}`, { cause: thrown })
  }
  await requireNoConnections(client, name, template.name)
  await client.query(`alter database ${name} allow_connections false`)
  await client.query(`alter database ${name} is_template true`)
}

/** A database that somebody is connected to cannot be copied. A connection just closed lingers for a moment. */
async function requireNoConnections(client: pg.Client, database: string, templateName: string): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + LEFT_CONNECTIONS_DEADLINE_MS
  for (;;) {
    const { rows } = await client.query<{ count: number }>('select count(*)::int from pg_stat_activity where datname = $1', [database])
    const open = rows[0]?.count ?? 0
    if (open === 0) return
    if (systemClock.monotonicMs() > deadlineMs) {
      throw new TestTemplateError(
        `prepare() of template "${templateName}" left ${String(open)} connections open: close them before it resolves`,
      )
    }
    await delay(systemClock, 20)
  }
}

async function strategy(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ version: number }>(`select current_setting('server_version_num')::int as version`)
  return (rows[0]?.version ?? 0) >= FIRST_WITH_STRATEGY ? 'strategy wal_log' : ''
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, (client) => client.query(`drop database if exists ${name} with (force)`))
}
