import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTestDatabase } from '@cidadao/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MIGRATIONS } from '../src/generated/migrations.ts'
import { createDatabase, markRolledBack, migrate, migrationStatus, type Migration } from '../src/index.ts'
import { checksumOf, isAtomic } from '../src/migrations/migration.ts'
import { AUDIT_ORIGIN, connectDirectly, createMigratedDatabase, rejectionOf } from './fixtures/database-fixture.ts'

const ONE: Migration = { name: '20260101000000_one', sql: 'CREATE TABLE one (id integer PRIMARY KEY);' }
const TWO: Migration = { name: '20260102000000_two', sql: 'CREATE TABLE two (id integer PRIMARY KEY); INSERT INTO one VALUES (1);' }
const BROKEN: Migration = { name: '20260102000000_two', sql: 'CREATE TABLE two (id integer); SELECT * FROM nowhere;' }

async function emptyDatabase(): Promise<string> {
  const { url, drop } = await createTestDatabase()
  onTestFinished(drop)
  return url
}

function withoutBodies(sql: string): string {
  return sql.replace(/--.*$/gm, '').replace(/(\$\w*\$).*?\1/gs, '')
}

async function migratedDatabase(): Promise<string> {
  const { url, drop } = await createMigratedDatabase()
  onTestFinished(drop)
  return url
}

describe('migrate', () => {
  it('applies each migration once when six processes start together', async () => {
    const url = await emptyDatabase()
    const reports = await Promise.all(Array.from({ length: 6 }, () => migrate({ url, migrations: [ONE, TWO] })))
    expect(reports.flatMap(({ applied }) => applied)).toEqual([ONE.name, TWO.name])
    const client = await connectDirectly(url)
    const { rows } = await client.query(
      'SELECT migration_name, checksum, applied_steps_count, finished_at IS NOT NULL AS finished FROM _prisma_migrations ORDER BY 1',
    )
    expect(rows).toEqual([
      { migration_name: ONE.name, checksum: checksumOf(ONE), applied_steps_count: 1, finished: true },
      { migration_name: TWO.name, checksum: checksumOf(TWO), applied_steps_count: 1, finished: true },
    ])
    expect((await client.query('SELECT * FROM one')).rowCount).toBe(1)
  })

  it('applies only what is new to a database of an older version', async () => {
    const url = await emptyDatabase()
    await migrate({ url, migrations: [ONE] })
    expect(await migrationStatus({ url, migrations: [ONE, TWO] })).toEqual({ applied: [ONE.name], pending: [TWO.name] })
    expect(await migrate({ url, migrations: [ONE, TWO] })).toEqual({ applied: [TWO.name], current: TWO.name })
  })

  it('refuses a migration that was edited after it was applied', async () => {
    const url = await emptyDatabase()
    await migrate({ url, migrations: [ONE] })
    const error = await rejectionOf(migrate({ url, migrations: [{ ...ONE, sql: `${ONE.sql} ` }] }))
    expect(error).toMatchObject({ code: 'DB_MIGRATION_EDITED', facts: { migration: ONE.name } })
  })

  it('leaves nothing of a failed migration, and goes no further until it is marked as rolled back', async () => {
    const url = await emptyDatabase()
    const failed = await rejectionOf(migrate({ url, migrations: [ONE, BROKEN] }))
    expect(failed).toMatchObject({ code: 'DB_MIGRATION_FAILED', facts: { migration: BROKEN.name } })
    const client = await connectDirectly(url)
    expect((await client.query<{ gone: boolean }>("SELECT to_regclass('two') IS NULL AS gone")).rows).toEqual([{ gone: true }])
    expect(await rejectionOf(migrate({ url, migrations: [ONE, TWO] }))).toMatchObject({
      code: 'DB_MIGRATION_UNFINISHED',
      message: expect.stringContaining('"nowhere" does not exist') as string,
    })
    expect(await markRolledBack({ url }, BROKEN.name)).toBe(1)
    expect(await migrate({ url, migrations: [ONE, TWO] })).toEqual({ applied: [TWO.name], current: TWO.name })
  })

  it('refuses a database of a newer version, and says which migrations it does not know', async () => {
    const url = await emptyDatabase()
    await migrate({ url, migrations: [ONE, TWO] })
    const error = await rejectionOf(migrate({ url, migrations: [ONE] }))
    expect(error).toMatchObject({ code: 'DB_NEWER_THAN_CODE', facts: { unknown: TWO.name, newestKnown: ONE.name } })
    expect(error.message).toContain('newer version')
  })

  it('refuses a database whose tables somebody else made', async () => {
    const url = await emptyDatabase()
    await (await connectDirectly(url)).query('CREATE TABLE investigations (id text)')
    expect(await rejectionOf(migrate({ url }))).toMatchObject({ code: 'DB_NOT_EMPTY' })
  })

  it('gives up on a lock that somebody else keeps', async () => {
    const url = await emptyDatabase()
    const other = await connectDirectly(url)
    await other.query('SELECT pg_advisory_lock(72707369)')
    expect(await rejectionOf(migrate({ url, migrations: [ONE], lockTimeoutMs: 50 }))).toMatchObject({ code: 'DB_MIGRATION_LOCK_TIMEOUT' })
  })
})

describe('the migrations of this package', () => {
  it('are in the code exactly as in the folder', () => {
    const folder = join(import.meta.dirname, '../prisma/migrations')
    const names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
    expect(MIGRATIONS.map(({ name }) => name)).toEqual(names.sort())
    for (const { name, sql } of MIGRATIONS) expect(sql).toBe(readFileSync(join(folder, name, 'migration.sql'), 'utf8'))
  })

  it('are one transaction each, or say in their first line why not', () => {
    // Transactions begin and end by statements of their own; the bodies of functions have a BEGIN without one.
    const control = /^\s*(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK)\s*;|\bCONCURRENTLY\b/im
    const offenders = MIGRATIONS.filter((migration) => isAtomic(migration) && control.test(withoutBodies(migration.sql)))
    expect(offenders.map(({ name }) => name)).toEqual([])
    expect(control.test(withoutBodies('CREATE TABLE a ();\nCOMMIT;\n'))).toBe(true)
  })

  it('make indexes for what is really asked, and none on the status alone', async () => {
    const client = await connectDirectly(await migratedDatabase())
    const { rows } = await client.query<{ definition: string }>(
      "SELECT regexp_replace(indexdef, '.* USING ', '') AS definition FROM pg_indexes WHERE tablename = 'investigations' ORDER BY 1",
    )
    expect(rows.map(({ definition }) => definition)).toEqual([
      'btree (created_at DESC, id DESC)',
      'btree (id)',
      'btree (status, created_at DESC, id DESC)',
      'btree (user_id, created_at DESC, id DESC)',
      'btree (user_id, status, created_at DESC, id DESC)',
    ])
  })

  it('type the columns so that nothing is lost: JSONB, instants with zone, server defaults', async () => {
    const client = await connectDirectly(await migratedDatabase())
    const { rows } = await client.query<{ column_name: string; data_type: string; is_nullable: string; has_default: boolean }>(
      "SELECT column_name, data_type, is_nullable, column_default IS NOT NULL AS has_default FROM information_schema.columns WHERE table_name = 'investigations'",
    )
    const column = (name: string): unknown => rows.find(({ column_name }) => column_name === name)
    expect(column('results')).toMatchObject({ data_type: 'jsonb', is_nullable: 'YES' })
    expect(column('metadata')).toMatchObject({ data_type: 'jsonb', is_nullable: 'NO', has_default: true })
    expect(column('status')).toMatchObject({ is_nullable: 'NO', has_default: true })
    expect(column('anomalies_found')).toMatchObject({ data_type: 'bigint', is_nullable: 'NO', has_default: true })
    expect(column('processing_time_ms')).toMatchObject({ data_type: 'bigint', is_nullable: 'NO', has_default: true })
    for (const name of ['created_at', 'updated_at', 'completed_at']) {
      expect(column(name)).toMatchObject({ data_type: 'timestamp with time zone' })
    }
  })

  it('make the cache table without a log', async () => {
    const client = await connectDirectly(await migratedDatabase())
    const { rows } = await client.query("SELECT relpersistence AS persistence FROM pg_class WHERE relname = 'cache_entries'")
    expect(rows).toEqual([{ persistence: 'u' }])
  })
})

describe('starting', () => {
  it('refuses a database that lacks migrations where it may not apply them', async () => {
    const db = createDatabase({ url: await emptyDatabase(), auditOrigin: AUDIT_ORIGIN, migrations: 'require' })
    expect(await rejectionOf(db.start())).toMatchObject({ code: 'DB_MIGRATIONS_PENDING' })
  })

  it('refuses a database of a newer version before it opens anything', async () => {
    const url = await migratedDatabase()
    await (
      await connectDirectly(url)
    ).query("INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '29990101000000_future', now())")
    const db = createDatabase({ url, auditOrigin: AUDIT_ORIGIN })
    expect(await rejectionOf(db.start())).toMatchObject({ code: 'DB_NEWER_THAN_CODE' })
    expect(await rejectionOf(db.investigations.get('inv_001'))).toMatchObject({ code: 'DB_CLOSED' })
  })

  it('brings up four databases at once on an empty server, without a conflict', async () => {
    const url = await emptyDatabase()
    const all = Array.from({ length: 4 }, () => createDatabase({ url, auditOrigin: AUDIT_ORIGIN, pool: { size: 1, maxOverflow: 1 } }))
    onTestFinished(async () => {
      await Promise.all(all.map((db) => db.stop()))
    })
    await Promise.all(all.map((db) => db.start()))
    expect(await all[0]?.investigations.find()).toEqual({ items: [], next: null })
  })
})
