import { createTestDatabase, eventually } from '@cidadao/testing'
import type pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { markRolledBack, migrate, migrationStatus, type Migration } from '../src/index.ts'
import { connectDirectly, rejectionOf } from './fixtures/database-fixture.ts'
import { startMigrating } from './fixtures/migrating-processes.ts'

const TIMEOUT_MS = 90_000
const FIRST: Migration = { name: '20260101000000_first', sql: 'CREATE TABLE first (id integer PRIMARY KEY);\n' }
/** Waits inside for a lock that the test holds, having done half of its work. */
const HELD: Migration = {
  name: '20260102000000_held',
  sql: 'CREATE TABLE half (id integer);\nSELECT pg_advisory_xact_lock(4711);\nINSERT INTO first VALUES (1);\n',
}
const HELD_IN_PARTS: Migration = {
  name: HELD.name,
  sql: `-- not atomic: commits in the middle\n${HELD.sql.replace('SELECT', 'COMMIT;\nSELECT')}`,
}

interface Scene {
  readonly url: string
  /** Somebody else on the database, who holds what `HELD` waits for. */
  readonly other: pg.Client
}

async function scene(): Promise<Scene> {
  const { url, drop } = await createTestDatabase()
  onTestFinished(drop)
  const other = await connectDirectly(url)
  await other.query('SELECT pg_advisory_lock(4711)')
  return { url, other }
}

/** The server's process that is in the middle of `HELD`. */
async function migratingBackend(other: pg.Client): Promise<number> {
  const found = await eventually(
    async () => {
      const { rows } = await other.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory' AND query LIKE '%CREATE TABLE half%'",
      )
      if (rows[0] === undefined) throw new Error('nobody is in the middle of the migration')
      return rows[0].pid
    },
    { deadlineMs: 30_000 },
  )
  return found
}

async function isGone(other: pg.Client, pid: number): Promise<void> {
  await eventually(
    async () => {
      const { rowCount } = await other.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])
      if (rowCount !== 0) throw new Error('the server has not noticed yet')
    },
    { deadlineMs: 30_000 },
  )
}

async function rowsOf(other: pg.Client): Promise<unknown> {
  const { rows } = await other.query(
    'SELECT migration_name AS name, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS "rolledBack", logs, applied_steps_count AS steps FROM _prisma_migrations ORDER BY started_at',
  )
  return rows
}

describe('a migrating process', { timeout: TIMEOUT_MS }, () => {
  it('shares the work with five others that start with it: each migration is applied once', async () => {
    const { url } = await scene()
    const migrations = Array.from({ length: 5 }, (_, index) => ({
      name: `2026010100000${String(index)}_n`,
      sql: `CREATE TABLE t${String(index)} (id integer);`,
    }))
    const processes = await startMigrating(url, migrations, 6)
    const reports = await Promise.all(processes.map(({ report }) => report))
    expect(reports.flatMap((report) => report?.applied ?? ['failed'])).toEqual(migrations.map(({ name }) => name))
  })

  it('that is killed in the middle leaves nothing: the server notices, and the next start makes it again', async () => {
    const { url, other } = await scene()
    const [running] = await startMigrating(url, [FIRST, HELD])
    const pid = await migratingBackend(other)
    running?.child.kill('SIGKILL')
    await isGone(other, pid)
    expect((await other.query("SELECT to_regclass('half') AS half")).rows).toEqual([{ half: null }])
    expect(await migrationStatus({ url, migrations: [FIRST, HELD] })).toEqual({ applied: [FIRST.name], pending: [HELD.name] })
    await other.query('SELECT pg_advisory_unlock(4711)')
    expect(await migrate({ url, migrations: [FIRST, HELD] })).toEqual({ applied: [HELD.name], current: HELD.name })
    const healed = { name: HELD.name, finished: true, rolledBack: false, logs: null, steps: 1 }
    expect(await rowsOf(other)).toEqual([
      { ...healed, name: FIRST.name },
      { ...healed, finished: false, rolledBack: true, logs: expect.stringContaining('left nothing') as string, steps: 0 },
      healed,
    ])
  })

  it('that loses its connection in the middle says so, and the next call makes it again', async () => {
    const { url, other } = await scene()
    const failing = rejectionOf(migrate({ url, migrations: [FIRST, HELD] }))
    await other.query('SELECT pg_terminate_backend($1)', [await migratingBackend(other)])
    expect(await failing).toMatchObject({ code: 'DB_CONNECTION_LOST', transient: true })
    await other.query('SELECT pg_advisory_unlock(4711)')
    expect((await migrate({ url, migrations: [FIRST, HELD] })).applied).toEqual([HELD.name])
    expect((await other.query('SELECT * FROM first')).rowCount).toBe(1)
  })

  it('makes others wait, who go on when it is done', async () => {
    const { url, other } = await scene()
    const first = migrate({ url, migrations: [FIRST, HELD] })
    await migratingBackend(other)
    const impatient = await rejectionOf(migrate({ url, migrations: [FIRST, HELD], lockTimeoutMs: 100 }))
    expect(impatient).toMatchObject({ code: 'DB_MIGRATION_LOCK_TIMEOUT', facts: { timeoutMs: 100 } })
    const patient = migrate({ url, migrations: [FIRST, HELD] })
    await other.query('SELECT pg_advisory_unlock(4711)')
    expect([(await first).applied, (await patient).applied]).toEqual([[FIRST.name, HELD.name], []])
  })

  it('that is killed in a migration of several transactions leaves it to a person, with the commands to type', async () => {
    const { url, other } = await scene()
    const [running] = await startMigrating(url, [FIRST, HELD_IN_PARTS])
    const pid = await migratingBackend(other)
    running?.child.kill('SIGKILL')
    await isGone(other, pid)
    const refused = await rejectionOf(migrate({ url, migrations: [FIRST, HELD_IN_PARTS] }))
    expect(refused).toMatchObject({ code: 'DB_MIGRATION_UNFINISHED', facts: { migration: HELD.name } })
    expect(refused.message).toMatch(/done in part or whole.*--rolled-back 20260102000000_held.*--applied 20260102000000_held/)
    await other.query('DROP TABLE half')
    await other.query('SELECT pg_advisory_unlock(4711)')
    expect(await markRolledBack({ url }, HELD.name)).toBe(1)
    expect((await migrate({ url, migrations: [FIRST, HELD_IN_PARTS] })).applied).toEqual([HELD.name])
  })
})

describe('a migration that says it is not atomic', () => {
  it('may contain what cannot run in a transaction', async () => {
    const { url, other } = await scene()
    const sql = '-- not atomic: an index without a lock\nCREATE INDEX CONCURRENTLY first_idx ON first (id);\n'
    const report = await migrate({ url, migrations: [FIRST, { name: '20260102000000_index', sql }] })
    expect(report.applied).toHaveLength(2)
    expect((await other.query("SELECT FROM pg_indexes WHERE indexname = 'first_idx'")).rowCount).toBe(1)
  })

  it('must say why: otherwise the server refuses it, and nothing is there', async () => {
    const { url, other } = await scene()
    const sql = 'CREATE INDEX CONCURRENTLY first_idx ON first (id);\n'
    const failed = await rejectionOf(migrate({ url, migrations: [FIRST, { name: '20260102000000_index', sql }] }))
    expect(failed).toMatchObject({ code: 'DB_MIGRATION_FAILED', message: expect.stringContaining('CONCURRENTLY') as string })
    expect((await other.query("SELECT FROM pg_indexes WHERE indexname = 'first_idx'")).rowCount).toBe(0)
  })
})
