import { TcpProxy } from '@cidadao/testing'
import { expect, it, onTestFinished } from 'vitest'
import { createDatabase, type Database } from '../src/index.ts'
import { AUDIT_ORIGIN, openForTest, rejectionOf } from './fixtures/database-fixture.ts'

const STATEMENT = { name: 'test.once', text: 'SELECT $1::int AS number, $2::text AS word, $3::jsonb AS document, NULL::date AS nothing' }
const ROW = { number: 7, word: 'sete', document: { a: [1] }, nothing: null }

async function single(url: string): Promise<Database> {
  const db = createDatabase({ url, auditOrigin: AUDIT_ORIGIN, pool: { size: 1, maxOverflow: 0 }, resilience: { attempts: 0 } })
  onTestFinished(() => db.stop())
  await db.start()
  return db
}

function ask(db: Database, values: unknown[] = [7, 'sete', '{"a":[1]}']): Promise<{ readonly rows: object[] }> {
  return db.sql.query({ ...STATEMENT, describe: 'once', values })
}

it('a statement that is described once gives the same rows each time, typed alike, in turn with others', async () => {
  const { url } = await openForTest()
  const db = await single(url)
  for (const n of [1, 2, 3]) {
    expect((await ask(db)).rows).toEqual([ROW])
    expect((await db.sql.query(`SELECT ${n} AS n`)).rows).toEqual([{ n }])
    expect((await db.sql.query({ ...STATEMENT, values: [7, 'sete', '{"a":[1]}'] })).rows).toEqual([ROW])
  }
  expect((await ask(db, [null, null, null])).rows).toEqual([{ number: null, word: null, document: null, nothing: null }])
})

it('its columns travel the first time only', async () => {
  const { url } = await openForTest()
  const { hostname, port } = new URL(url)
  const proxy = await TcpProxy.open({ targetPort: Number(port), targetHost: hostname })
  onTestFinished(() => proxy.stop())
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String(proxy.port)
  const db = await single(through.href)
  const bytesOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = proxy.stats.bytes
    await work()
    return proxy.stats.bytes - before
  }
  const first = await bytesOf(() => ask(db))
  const second = await bytesOf(() => ask(db))
  expect(second).toBeLessThan(first - 80)
  expect(first - second).toBeLessThan(1_000)
})

it('an error, and a value that cannot be sent, leave the connection as good as before', async () => {
  const { url } = await openForTest()
  const db = await single(url)
  await ask(db)
  expect(await rejectionOf(ask(db, ['seven', '', '{}']))).toMatchObject({ code: expect.stringMatching(/^DB_/) as string })
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  expect(await rejectionOf(ask(db, [7, '', cyclic]))).toBeInstanceOf(Error)
  expect((await ask(db)).rows).toEqual([ROW])
})

it('a table that changes under it is read anew over another connection, as with any prepared statement', async () => {
  const { db: direct, url } = await openForTest()
  await direct.sql.query('CREATE TABLE changing (a int)')
  await direct.sql.query('INSERT INTO changing VALUES (1)')
  const db = createDatabase({ url, auditOrigin: AUDIT_ORIGIN, pool: { size: 1, maxOverflow: 0 } })
  onTestFinished(() => db.stop())
  await db.start()
  const read = () => db.sql.query({ name: 'test.changing', text: 'SELECT a FROM changing', describe: 'once' })
  expect((await read()).rows).toEqual([{ a: 1 }])
  expect((await read()).rows).toEqual([{ a: 1 }])
  await direct.sql.query('ALTER TABLE changing ALTER COLUMN a TYPE text')
  expect((await read().catch(() => read())).rows).toEqual([{ a: '1' }])
})
