import { createTestDatabase } from '@cidadao/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runEngine } from './engine-process.ts'

const NO_FILTER = { externalTables: [], externalEnums: [] }

async function database(): Promise<{ readonly url: string; readonly name: string }> {
  const made = await createTestDatabase()
  onTestFinished(made.drop)
  return made
}

function urlOf(other: string, change: Partial<Record<'pathname' | 'port' | 'password', string>>): string {
  return Object.assign(new URL(other), change).toString()
}

describe('the conversation', () => {
  it('answers requests in their order, and ends with the input', async () => {
    const { url } = await database()
    const { code, stdout } = await runEngine(url, [
      { id: 1, method: 'getDatabaseVersion', params: {} },
      { id: 2, method: 'ensureConnectionValidity', params: { datasource: { tag: 'ConnectionString', url } } },
    ])
    expect(stdout).toMatchObject([
      { id: 1, result: expect.stringContaining('PostgreSQL') as string },
      { id: 2, result: {} },
    ])
    expect(code).toBe(0)
  })

  it('runs a script whole, with the semicolons in the body of a function, or not at all', async () => {
    const { url } = await database()
    const script = `CREATE TABLE t (id integer);
      CREATE FUNCTION f() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (1); RETURN 2; END $$;
      SELECT f();`
    const execute = (id: number, text: string): object => ({
      id,
      method: 'dbExecute',
      params: { datasourceType: { tag: 'url', url }, script: text },
    })
    const { stdout } = await runEngine(url, [
      execute(1, script),
      execute(2, 'INSERT INTO t VALUES (2); SELECT * FROM nowhere;'),
      execute(3, 'DO $$ BEGIN IF (SELECT count(*) FROM t) <> 1 THEN RAISE EXCEPTION $m$half of it stayed$m$; END IF; END $$'),
    ])
    expect(stdout[0]).toEqual({ jsonrpc: '2.0', id: 1, result: null })
    expect(stdout[1]?.error?.data).toMatchObject({
      is_panic: false,
      message: expect.stringContaining('nowhere') as string,
    })
    expect(stdout[2]).toEqual({ jsonrpc: '2.0', id: 3, result: null })
  })

  it('prints a difference before it answers, and gives the exit code in the answer', async () => {
    const { url } = await database()
    const schema = { path: 's.prisma', content: 'datasource db {\n provider = "postgresql"\n}\nmodel A {\n id Int @id\n}\n' }
    const params = {
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files: [schema] },
      script: true,
      exitCode: true,
      filters: NO_FILTER,
    }
    const { stdout } = await runEngine(url, [{ id: 7, method: 'diff', params }])
    expect(stdout[0]).toMatchObject({ method: 'print', params: { content: expect.stringContaining('CREATE TABLE "A"') as string } })
    expect(stdout[0]?.id).toEqual(expect.any(String))
    expect(stdout[1]).toMatchObject({ id: 7, result: { exitCode: 2, stdout: null } })
  })

  it('answers all that wait after a panic, and ends with the exit code of one', async () => {
    const { url } = await database()
    const { code, stdout, log } = await runEngine(url, [
      { id: 1, method: 'debugPanic' },
      { id: 2, method: 'getDatabaseVersion', params: {} },
    ])
    expect(code).toBe(101)
    for (const id of [1, 2]) expect(stdout.find((answer) => answer.id === id)?.error?.data).toMatchObject({ is_panic: true })
    expect(log.at(-1)).toMatchObject({ level: 'ERROR', fields: { message: expect.stringContaining('panicked') as string } })
  })

  it('says which request it does not know, and goes on', async () => {
    const { url } = await database()
    const { stdout, code } = await runEngine(url, [
      { id: 1, method: 'makeCoffee' },
      { id: 2, method: 'getDatabaseVersion', params: {} },
    ])
    expect(stdout).toMatchObject([
      { id: 1, error: { code: -32_601 } },
      { id: 2, result: expect.any(String) as string },
    ])
    expect(code).toBe(0)
  })

  it('leaves no shadow database behind', async () => {
    const { url, name } = await database()
    const history = {
      baseDir: '/',
      lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
      shadowDbInitScript: '',
    }
    const migration = {
      path: '20260101000000_a',
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: 'CREATE TABLE a (id integer)' } },
    }
    const from = { tag: 'migrations', ...history, migrationDirectories: [migration] }
    const { stdout } = await runEngine(url, [
      { id: 1, method: 'diff', params: { from, to: { tag: 'empty' }, script: false, exitCode: true, filters: NO_FILTER } },
      {
        id: 2,
        method: 'dbExecute',
        params: {
          datasourceType: { tag: 'url', url },
          script: `DO $$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity WHERE datname LIKE 'prisma_migrate_shadow_db%' AND application_name = 'cidadao-prisma-engine' AND backend_start > (SELECT min(backend_start) FROM pg_stat_activity WHERE datname = '${name}')) THEN RAISE EXCEPTION 'a shadow is left'; END IF; END $$`,
        },
      },
    ])
    expect(stdout.find(({ id }) => id === 1)).toMatchObject({ result: { exitCode: 2 } })
    expect(stdout.find(({ id }) => id === 2)).toMatchObject({ result: null })
  })
})

describe('the sub-commands', () => {
  it('make, find and drop a database', async () => {
    const { url, name } = await database()
    const other = urlOf(url, { pathname: `/${name}_made` })
    const command = (verb: string): ReturnType<typeof runEngine> => runEngine(other, [], ['cli', verb])
    const missing = await command('can-connect-to-database')
    expect(missing).toMatchObject({ code: 1, log: [{ level: 'INFO' }, { level: 'ERROR', fields: { error_code: 'P1003' } }] })
    expect((await command('create-database')).code).toBe(0)
    expect((await command('create-database')).log[1]?.fields.error_code).toBe('P1009')
    expect((await command('can-connect-to-database')).code).toBe(0)
    expect((await command('drop-database')).code).toBe(0)
    expect((await command('can-connect-to-database')).code).toBe(1)
  })

  it('tell a wrong password from a server that is not there, and print neither', async () => {
    const { url } = await database()
    const wrong = await runEngine(urlOf(url, { password: 'wr0ng' }), [], ['cli', 'can-connect-to-database'])
    expect(wrong.log.at(-1)?.fields.error_code).toBe('P1000')
    const absent = await runEngine(urlOf(url, { port: '1', password: 'wr0ng' }), [], ['cli', 'can-connect-to-database'])
    expect(absent.log.at(-1)?.fields.error_code).toBe('P1001')
    expect(JSON.stringify([wrong, absent])).not.toContain('wr0ng')
  })
})
