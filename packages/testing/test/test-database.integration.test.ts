import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTestDatabase, startPostgres, testPostgres, type TestDatabase, type TestDatabaseTemplate } from '../src/index.ts'
import { dropRunDatabases } from '../src/postgres/test-database.ts'

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

async function create(template: TestDatabaseTemplate): Promise<TestDatabase> {
  const database = await createTestDatabase({ template })
  onTestFinished(() => database.drop())
  return database
}

describe('a test database', () => {
  it('is a copy of a template that is prepared once, however many ask for it at the same moment', async () => {
    let preparations = 0
    const template: TestDatabaseTemplate = {
      name: 'once',
      prepare: async (url) => {
        preparations += 1
        await query(url, `create table city (name text); insert into city values ('São Paulo')`)
      },
    }
    const databases = await Promise.all([1, 2, 3, 4].map(() => create(template)))
    expect(preparations).toBe(1)
    for (const { url } of databases) expect(await query(url, 'select name from city')).toEqual([{ name: 'São Paulo' }])
  })

  it('is nobody else’s: what one writes the others do not see', async () => {
    const template: TestDatabaseTemplate = { name: 'own', prepare: (url) => query(url, 'create table t (n int)').then(() => {}) }
    const [one, two] = [await create(template), await create(template)]
    await query(one.url, 'insert into t values (1)')
    expect(await query(two.url, 'select n from t')).toEqual([])
    expect(one.name).not.toBe(two.name)
  })

  it('is gone when dropped, connections or not, and may be dropped twice', async () => {
    const database = await createTestDatabase()
    const client = new pg.Client({ connectionString: database.url })
    const lost = new Promise((resolve) => client.on('error', resolve))
    await client.connect()
    await database.drop()
    await database.drop()
    expect(await lost).toMatchObject({ code: '57P01' })
    await expect(query(database.url, 'select 1')).rejects.toMatchObject({ code: '3D000' })
  })

  it('is tried anew after its template failed', async () => {
    let attempts = 0
    const template: TestDatabaseTemplate = {
      name: 'second_try',
      prepare: async (url) => {
        attempts += 1
        await query(url, 'create table half (n int)')
        if (attempts === 1) throw new Error('migration 3 is broken')
      },
    }
    const failing = createTestDatabase({ template })
    await expect(failing).rejects.toMatchObject({ code: 'TESTING_TEMPLATE_FAILED' })
    await expect(failing).rejects.toThrow('template "second_try" could not be prepared: migration 3 is broken')
    const database = await create(template)
    expect(await query(database.url, 'select count(*)::int as n from half')).toEqual([{ n: 0 }])
  })

  it('is not made from a template that was left with connections open', async () => {
    const client = { current: new pg.Client() }
    const template: TestDatabaseTemplate = {
      name: 'leaky',
      prepare: async (url) => {
        client.current = new pg.Client({ connectionString: url })
        client.current.on('error', () => {})
        await client.current.connect()
      },
    }
    await expect(createTestDatabase({ template })).rejects.toThrow('prepare() of template "leaky" left 1 connections open')
    await client.current.end()
  })

  it('refuses a template name that is no name', async () => {
    await expect(createTestDatabase({ template: { name: 'a; drop', prepare: () => Promise.resolve() } })).rejects.toMatchObject({
      code: 'TESTING_OPTIONS_INVALID',
    })
  })

  it('is removed with its template at the end of a run on a server that stays', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const run = { url: server.url(), runId: 'aaaaaaaa' }
    const other = { url: server.url(), runId: 'bbbbbbbb' }
    await createTestDatabase({ server: run, template: { name: 'x', prepare: () => Promise.resolve() } })
    await createTestDatabase({ server: other })
    await dropRunDatabases(run.url, run.runId)
    const left = await query<{ datname: string }>(server.url(), `select datname from pg_database where datname like 'cidadao%'`)
    expect(left.map(({ datname }) => datname)).toEqual([expect.stringMatching(/^cidadao_test_bbbbbbbb_/)])
  })

  it('is on the server of the run', () => {
    expect(testPostgres().runId).toMatch(/^[0-9a-f]{8}$/)
  })
})
