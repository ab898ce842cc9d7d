import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually, startPostgres, type PostgresFixture } from '../src/index.ts'

const inContainers = process.env.TEST_SERVICES === 'docker'

describe('a PostgreSQL to be broken', () => {
  let server: PostgresFixture
  let client: pg.Client
  let lost: Promise<unknown>

  beforeAll(async () => {
    server = await startPostgres({ settings: { max_connections: '17' } })
  })
  afterAll(() => server.stop())

  beforeEach(async () => {
    client = new pg.Client({ connectionString: server.url(), connectionTimeoutMillis: 5_000 })
    lost = new Promise((resolve) => client.on('error', resolve))
    await client.connect()
  })
  afterEach(() => client.end())

  it('has the settings asked for', async () => {
    expect((await client.query('show max_connections')).rows).toEqual([{ max_connections: '17' }])
  })

  it.skipIf(inContainers)('listens on the loopback address only [skipped with TEST_SERVICES=docker]', async () => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      `select name, setting from pg_settings where name in ('listen_addresses', 'unix_socket_directories') order by name`,
    )
    expect(rows).toEqual([
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'unix_socket_directories', setting: '' },
    ])
  })

  it.skipIf(inContainers)(
    'is UTF-8, ordered by bytes whatever the system has, and in UTC [skipped with TEST_SERVICES=docker]',
    async () => {
      const { rows } = await client.query(
        `select pg_encoding_to_char(encoding) as encoding, datlocprovider as provider, datlocale as locale, current_setting('TimeZone') as zone
       from pg_database where datname = current_database()`,
      )
      expect(rows).toEqual([{ encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8', zone: 'UTC' }])
      expect((await client.query(`select upper('ação') as word`)).rows).toEqual([{ word: 'AÇÃO' }])
    },
  )

  it('asks everybody for a password, by SCRAM', async () => {
    const { rows } = await client.query<{ method: string }>(
      `select distinct auth_method as method from pg_hba_file_rules where type = 'host'`,
    )
    expect(rows).toContainEqual({ method: 'scram-sha-256' })
    const wrong = new URL(server.url())
    wrong.password = 'wrong'
    await expect(new pg.Client({ connectionString: wrong.toString() }).connect()).rejects.toMatchObject({ code: '28P01' })
  })

  it('ends client connections when told to, and says how many', async () => {
    expect(await server.terminateBackends()).toBe(1)
    expect(await lost).toMatchObject({ code: '57P01' })
  })

  it('is killed with all its processes, and has what was committed after its restart, at the same address', async () => {
    await client.query('create table if not exists kept (n int); insert into kept values (42)')
    const url = server.url()
    await server.kill()
    expect(await lost).toBeInstanceOf(Error)
    await expect(new pg.Client({ connectionString: url }).connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await server.restart()
    expect(server.url()).toBe(url)
    const again = new pg.Client({ connectionString: url })
    await again.connect()
    expect((await again.query('select n from kept')).rows).toEqual([{ n: 42 }])
    await again.end()
  })

  it('answers nobody while it is paused, and everybody after', async () => {
    await server.pause()
    let answers = 0
    const query = client.query('select 1').then(() => (answers += 1))
    const fresh = new pg.Client({ connectionString: server.url(), connectionTimeoutMillis: 300 })
    fresh.on('error', () => {})
    await expect(fresh.connect()).rejects.toThrow('timeout')
    expect(answers).toBe(0)
    await server.resume()
    await query
    expect(answers).toBe(1)
  })

  it('restarts while it runs, and stops while it is paused', async () => {
    await server.restart()
    expect(await lost).toBeInstanceOf(Error)
    const other = await startPostgres()
    await other.pause()
    await other.stop()
    await other.stop()
    await eventually(
      () => expect(new pg.Client({ connectionString: other.url() }).connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' }),
      { deadlineMs: 5_000 },
    )
  })
})
