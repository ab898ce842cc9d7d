import { execFileSync } from 'node:child_process'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestDatabase } from '@cidadao/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { markRolledBack, migrate, migrationStatus, type Migration } from '../src/index.ts'
import { connectDirectly, createMigratedDatabase, rejectionOf } from './fixtures/database-fixture.ts'
import { prismaProject } from './fixtures/prisma-cli.ts'

const TIMEOUT_MS = 120_000
const ONE: Migration = { name: '20260101000000_one', sql: 'CREATE TABLE one (id integer PRIMARY KEY);\n' }
const TWO: Migration = { name: '20260102000000_two', sql: 'CREATE TABLE two (id integer PRIMARY KEY);\n' }
const FORK: Migration = { name: '20260103000000_fork', sql: 'CREATE TABLE fork (id integer);\n' }
const BROKEN: Migration = { name: TWO.name, sql: 'CREATE TABLE two (id integer); SELECT * FROM nowhere;\n' }

async function emptyDatabase(): Promise<string> {
  const { url, drop } = await createTestDatabase()
  onTestFinished(drop)
  return url
}

async function migratedDatabase(): Promise<string> {
  const { url, drop } = await createMigratedDatabase()
  onTestFinished(drop)
  return url
}

function hasTerminalCommand(): boolean {
  try {
    return execFileSync('script', ['--version'], { stdio: 'pipe' }).includes('util-linux')
  } catch {
    return false
  }
}

describe("a database that our migrator brought up, to Prisma's command line", { timeout: TIMEOUT_MS }, () => {
  it('is up to date by `migrate status`, and has nothing pending by `migrate deploy`', async () => {
    const [prisma, url] = [await prismaProject(), await migratedDatabase()]
    expect(await prisma.run(url, ['migrate', 'status'])).toMatchObject({
      code: 0,
      output: expect.stringContaining('Database schema is up to date!') as string,
    })
    expect(await prisma.run(url, ['migrate', 'deploy'])).toMatchObject({
      code: 0,
      output: expect.stringContaining('No pending migrations to apply.') as string,
    })
  })

  it('is what the schema says by `migrate diff`, whatever checks, triggers, partitions and generated columns there are', async () => {
    const [prisma, url] = [await prismaProject(), await migratedDatabase()]
    const diff = ['migrate', 'diff', '--exit-code', '--script', '--to-schema', prisma.schemaFile]
    const fromDatabase = await prisma.run(url, [...diff, '--from-config-datasource'])
    expect(fromDatabase, fromDatabase.output).toMatchObject({ code: 0 })
    const fromMigrations = await prisma.run(url, [...diff, '--from-migrations', join(prisma.folder, 'migrations')])
    expect(fromMigrations, fromMigrations.output).toMatchObject({ code: 0 })
  })

  it('differs by `migrate diff` as soon as the schema asks for one column more', async () => {
    const [prisma, url] = [await prismaProject(), await migratedDatabase()]
    await appendFile(prisma.schemaFile, '\nmodel Extra {\n  id Int @id\n}\n')
    const args = ['migrate', 'diff', '--exit-code', '--script', '--from-config-datasource', '--to-schema', prisma.schemaFile]
    expect(await prisma.run(url, args)).toMatchObject({ code: 2, output: expect.stringContaining('CREATE TABLE "Extra"') as string })
  })

  const terminal = hasTerminalCommand()
  it.skipIf(!terminal)(
    `is in sync by \`migrate dev\`${terminal ? '' : ' (skipped: no `script` of util-linux here to give it a terminal)'}`,
    async () => {
      const [prisma, url] = [await prismaProject(), await migratedDatabase()]
      const { code, output } = await prisma.runAtTerminal(url, ['migrate', 'dev'])
      expect(output).toContain('Already in sync, no schema change or pending migration was found.')
      expect(code).toBe(0)
    },
  )
})

describe("a database that Prisma's command line brought up", { timeout: TIMEOUT_MS }, () => {
  it('is up to date to our migrator after `migrate deploy`', async () => {
    const [prisma, url] = [await prismaProject(), await emptyDatabase()]
    const deployed = await prisma.run(url, ['migrate', 'deploy'])
    expect(deployed, deployed.output).toMatchObject({ code: 0 })
    expect((await migrationStatus({ url })).pending).toEqual([])
    expect((await migrate({ url })).applied).toEqual([])
  })

  it('is made new by `migrate reset`, and is up to date again', async () => {
    const [prisma, url] = [await prismaProject(), await migratedDatabase()]
    const client = await connectDirectly(url)
    await client.query("INSERT INTO investigations (id, query) VALUES ('inv_001', 'x')")
    const reset = await prisma.run(url, ['migrate', 'reset', '--force'])
    expect(reset, reset.output).toMatchObject({ code: 0 })
    expect((await migrationStatus({ url })).pending).toEqual([])
    expect((await client.query('SELECT FROM investigations')).rowCount).toBe(0)
  })
})

describe('a migration that failed', { timeout: TIMEOUT_MS }, () => {
  it('in our migrator is failed by `migrate status` too, refused by `migrate deploy`, and free again by `migrate resolve`', async () => {
    const [prisma, url] = [await prismaProject([ONE, BROKEN]), await emptyDatabase()]
    await rejectionOf(migrate({ url, migrations: [ONE, BROKEN] }))
    const status = await prisma.run(url, ['migrate', 'status'])
    expect(status).toMatchObject({ code: 1, output: expect.stringMatching(/have failed:\s+20260102000000_two/) as string })
    expect(await prisma.run(url, ['migrate', 'deploy'])).toMatchObject({ code: 1, output: expect.stringContaining('P3009') as string })
    expect(await rejectionOf(migrate({ url, migrations: [ONE, TWO] }))).toMatchObject({ code: 'DB_MIGRATION_UNFINISHED' })
    expect(await prisma.run(url, ['migrate', 'resolve', '--rolled-back', BROKEN.name])).toMatchObject({ code: 0 })
    expect((await migrate({ url, migrations: [ONE, TWO] })).applied).toEqual([TWO.name])
  })

  it('in `migrate deploy` leaves nothing, is refused by our migrator with the words of the server, and free again by `markRolledBack`', async () => {
    const [prisma, url] = [await prismaProject([ONE, BROKEN]), await emptyDatabase()]
    expect(await prisma.run(url, ['migrate', 'deploy'])).toMatchObject({ code: 1, output: expect.stringContaining('nowhere') as string })
    const refused = await rejectionOf(migrate({ url, migrations: [ONE, TWO] }))
    expect(refused).toMatchObject({ code: 'DB_MIGRATION_UNFINISHED', facts: { migration: TWO.name } })
    expect(refused.message).toContain('nowhere')
    expect(await markRolledBack({ url }, TWO.name)).toBe(1)
    expect((await migrate({ url, migrations: [ONE, TWO] })).applied).toEqual([TWO.name])
    expect(await (await prismaProject([ONE, TWO])).run(url, ['migrate', 'status'])).toMatchObject({ code: 0 })
  })

  it('and was completed by hand is applied to both after `migrate resolve --applied`', async () => {
    const [prisma, url] = [await prismaProject([ONE, TWO]), await emptyDatabase()]
    await rejectionOf(migrate({ url, migrations: [ONE, BROKEN] }))
    await (await connectDirectly(url)).query(TWO.sql)
    expect(await prisma.run(url, ['migrate', 'resolve', '--applied', TWO.name])).toMatchObject({ code: 0 })
    expect((await migrate({ url, migrations: [ONE, TWO] })).applied).toEqual([])
  })
})

describe('a history that does not fit', { timeout: TIMEOUT_MS }, () => {
  it('of a newer version is refused by us; `migrate status` minds it only where something is pending too, and names both', async () => {
    const url = await emptyDatabase()
    await migrate({ url, migrations: [ONE, TWO] })
    expect(await rejectionOf(migrate({ url, migrations: [ONE] }))).toMatchObject({ code: 'DB_NEWER_THAN_CODE' })
    expect(await (await prismaProject([ONE])).run(url, ['migrate', 'status'])).toMatchObject({ code: 0 })
    const forked = await (await prismaProject([ONE, FORK])).run(url, ['migrate', 'status'])
    expect(forked.code).toBe(1)
    expect(forked.output).toContain(TWO.name)
    expect(forked.output).toContain(FORK.name)
  })

  it('of an edited file is refused by us and by `migrate dev`, though `migrate status` does not look', async () => {
    const edited = { ...ONE, sql: `${ONE.sql}-- a word more\n` }
    const [prisma, url] = [await prismaProject([edited]), await emptyDatabase()]
    await migrate({ url, migrations: [ONE] })
    expect(await rejectionOf(migrate({ url, migrations: [edited] }))).toMatchObject({ code: 'DB_MIGRATION_EDITED' })
    expect(await prisma.run(url, ['migrate', 'status'])).toMatchObject({ code: 0 })
    if (!hasTerminalCommand()) return
    const dev = await prisma.runAtTerminal(url, ['migrate', 'dev'])
    expect(dev.code).not.toBe(0)
    expect(dev.output).toContain('was modified after it was applied')
  })
})
