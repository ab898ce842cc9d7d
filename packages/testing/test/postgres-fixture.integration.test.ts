import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually, startPostgres, type PostgresFixture } from '../src/index.ts'

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
