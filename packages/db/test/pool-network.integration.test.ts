import { eventually } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { migrate, type Database, type DatabaseOptions } from '../src/index.ts'
import { connectDirectly, openDatabase, rejectionOf } from './fixtures/database-fixture.ts'
import { buildProxied, type ProxiedDatabase } from './fixtures/proxied-database.ts'

/** Far below the defaults of 30 s, far above what a busy machine needs. */
const SOON_MS = 10_000
let direct: Database
let url: string
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db: direct, url, close } = await openDatabase())
})
afterAll(() => close())

async function openProxied(options: Partial<DatabaseOptions> = {}): Promise<ProxiedDatabase> {
  const proxied = await buildProxied(url, options)
  await proxied.db.start()
  return proxied
}

async function timed<T>(work: Promise<T>): Promise<{ readonly result: T; readonly tookMs: number }> {
  const startedMs = performance.now()
  const result = await work
  return { result, tookMs: performance.now() - startedMs }
}

describe('a server that takes connections and then says nothing', () => {
  it('is given up after the connect timeout, and not after the far longer wait for a free connection', async () => {
    const { db, proxy } = await openProxied({
      pool: { connectTimeoutMs: 500, acquireTimeoutMs: 60_000, pingAfterIdleMs: 0, pingTimeoutMs: 100 },
    })
    await proxy.setFault({ kind: 'blackhole' })
    const { result, tookMs } = await timed(rejectionOf(db.sql.query('SELECT 1')))
    expect(result).toMatchObject({ code: 'DB_UNAVAILABLE', effect: 'none' })
    expect(tookMs).toBeLessThan(SOON_MS)
    expect(db.stats()).toMatchObject({ total: 0, waiting: 0 })
    await proxy.heal()
    expect(await db.ping()).toMatchObject({ role: 'primary' })
  })

  it('does not hang those who wait behind the connections that are being opened', async () => {
    const { db, proxy } = await openProxied({
      pool: { size: 1, maxOverflow: 0, connectTimeoutMs: 250, acquireTimeoutMs: 60_000, pingAfterIdleMs: 0, pingTimeoutMs: 100 },
    })
    await proxy.setFault({ kind: 'blackhole' })
    const { result, tookMs } = await timed(Promise.all([1, 2, 3, 4].map(() => rejectionOf(db.sql.query('SELECT 1')))))
    expect(new Set(result.map(({ code }) => code))).toEqual(new Set(['DB_UNAVAILABLE']))
    expect(tookMs).toBeLessThan(SOON_MS)
  })

  it('fails the start, migrations and all, within the same bound', async () => {
    const { db, proxy } = await buildProxied(url, { migrations: 'apply', pool: { connectTimeoutMs: 100, acquireTimeoutMs: 60_000 } })
    await proxy.setFault({ kind: 'blackhole' })
    const { result, tookMs } = await timed(rejectionOf(db.start()))
    expect(result).toMatchObject({ code: 'DB_UNAVAILABLE' })
    expect(tookMs).toBeLessThan(SOON_MS)
    const target = new URL(url)
    target.port = String(proxy.port)
    const alone = await timed(rejectionOf(migrate({ url: target.href, pool: { connectTimeoutMs: 100 } })))
    expect(alone.result).toMatchObject({ code: 'DB_UNAVAILABLE' })
    expect(alone.tookMs).toBeLessThan(SOON_MS)
  })

  it('never waits longer for a connection to open than for one to become free', async () => {
    const { db, proxy } = await openProxied({
      pool: { acquireTimeoutMs: 500, connectTimeoutMs: 60_000, pingAfterIdleMs: 0, pingTimeoutMs: 100 },
    })
    await proxy.setFault({ kind: 'blackhole' })
    const { result, tookMs } = await timed(rejectionOf(db.sql.query('SELECT 1')))
    expect(result).toMatchObject({ code: 'DB_UNAVAILABLE' })
    expect(tookMs).toBeLessThan(SOON_MS)
  })
})

describe('a line that breaks', () => {
  const impatient = { statementTimeoutMs: 200, answerGraceMs: 100, connectTimeoutMs: 500 }

  it('in the middle of a statement without a word is given up by our own timeout; the effect is said to be unknown', async () => {
    const { db, proxy } = await openProxied({ pool: impatient })
    await direct.sql.query('CREATE TABLE IF NOT EXISTS silence (id integer)')
    // The server does its part; only the answer is lost.
    const running = rejectionOf(db.sql.query('INSERT INTO silence SELECT 1 FROM pg_sleep(0.1)'))
    await eventually(() => expect(db.stats().idle).toBe(0), { deadlineMs: SOON_MS })
    await proxy.setFault({ kind: 'blackhole' })
    const { result, tookMs } = await timed(running)
    expect(result).toMatchObject({ code: 'DB_ANSWER_TIMEOUT', effect: 'unknown', transient: false })
    expect(tookMs).toBeLessThan(SOON_MS)
    await proxy.heal()
    expect(await db.ping()).toMatchObject({ role: 'primary' })
    expect(db.stats()).toMatchObject({ total: 1, idle: 1 })
  })

  it('inside a transaction without a word leaves nothing, and the transaction runs again', async () => {
    const { db, proxy } = await openProxied({ pool: impatient, resilience: { attempts: 3 } })
    let runs = 0
    await db.transaction(async (tx) => {
      runs += 1
      await tx.investigations.save({ id: `inv_silent_${runs}`, query: 'q' })
      if (runs > 1) return
      await proxy.setFault({ kind: 'blackhole' })
      onTestFinished(db.events.on('query', ({ code }) => void (code === 'DB_ANSWER_TIMEOUT' && proxy.heal())))
      await tx.sql.query('SELECT 1')
    })
    expect(runs).toBe(2)
    expect(await direct.investigations.get('inv_silent_1')).toBeUndefined()
    expect(await direct.investigations.get('inv_silent_2')).toMatchObject({ version: 1 })
  })

  it('while a connection is being opened has done nothing, whoever asked, and is retried', async () => {
    const { db, proxy } = await buildProxied(url, { resilience: { attempts: 2 } })
    await db.start()
    proxy.cutAll()
    await eventually(() => expect(db.stats().total).toBe(0), { deadlineMs: SOON_MS })
    await proxy.setFault({ kind: 'cut' })
    const retries: string[] = []
    onTestFinished(
      db.events.on('retry', ({ code }) => {
        retries.push(code)
        void proxy.heal()
      }),
    )
    expect((await db.sql.query("SELECT 'once' AS done")).rows).toEqual([{ done: 'once' }])
    expect(retries).toEqual(['DB_UNAVAILABLE'])
  })

  it('for all connections at once, as when a device in between forgot them, costs one ping each and no error', async () => {
    const { db, proxy } = await openProxied({
      pool: { size: 4, maxOverflow: 0, pingAfterIdleMs: 0, pingTimeoutMs: 100, connectTimeoutMs: 5_000 },
    })
    await Promise.all([1, 2, 3, 4].map(() => db.sql.query('SELECT pg_sleep(0.05)')))
    expect(db.stats().total).toBe(4)
    await proxy.setFault({ kind: 'blackhole' })
    const pinged = Promise.withResolvers<void>()
    onTestFinished(db.events.on('query', ({ code }) => code === 'DB_ANSWER_TIMEOUT' && pinged.resolve()))
    const all = Promise.all([1, 2, 3, 4].map(() => db.sql.query('SELECT 1')))
    await pinged.promise
    // New connections get through; the forgotten ones stay dead.
    proxy.cutAll()
    await proxy.heal()
    expect((await all).map(({ rowCount }) => rowCount)).toEqual([1, 1, 1, 1])
  })

  it('that only drips is no error as long as the timeouts are kept', async () => {
    const { db, proxy } = await openProxied({ pool: { connectTimeoutMs: 20_000, pingAfterIdleMs: 60_000 } })
    await proxy.setFault({ kind: 'delay', delayMs: 30, jitterMs: 30 })
    const { rows } = await db.sql.query<{ length: number }>("SELECT length(repeat('x', 500000)) AS length, repeat('x', 500000) AS text")
    expect(rows[0]?.length).toBe(500_000)
    proxy.cutAll()
    expect(await rejectionOf(db.sql.query('SELECT 1'))).toMatchObject({ code: 'DB_CONNECTION_LOST' })
    expect((await db.sql.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }])
  })

  it('that drips too slowly to log in is given up in time', async () => {
    const { db, proxy } = await openProxied({ pool: { connectTimeoutMs: 1_000 } })
    proxy.cutAll()
    await proxy.setFault({ kind: 'delay', delayMs: 700 })
    await eventually(() => expect(db.stats().total).toBe(0), { deadlineMs: SOON_MS })
    expect(await rejectionOf(db.sql.query('SELECT 1'))).toMatchObject({ code: 'DB_UNAVAILABLE' })
  })
})

describe('a silent server and the circuit', () => {
  it('opens it, so that callers no longer wait', async () => {
    const { db, proxy } = await openProxied({
      pool: { connectTimeoutMs: 500, pingAfterIdleMs: 0, pingTimeoutMs: 50 },
      resilience: { breakAfter: 3, breakForMs: 60_000 },
    })
    await proxy.setFault({ kind: 'blackhole' })
    for (let call = 0; call < 3; call += 1) await rejectionOf(db.sql.query('SELECT 1'))
    expect(db.stats().breaker).toBe('open')
    expect(await rejectionOf(db.sql.query('SELECT 1'))).toMatchObject({ code: 'DB_CIRCUIT_OPEN' })
  })
})

describe('a prepared statement', () => {
  it('whose table was changed under it works again on another connection', async () => {
    const { db } = await openProxied({ pool: { size: 1, maxOverflow: 0 }, resilience: { attempts: 3 } })
    const admin = await connectDirectly(url)
    await admin.query('CREATE TABLE changing (id integer); INSERT INTO changing VALUES (1)')
    const read = (): Promise<unknown> => db.sql.query({ name: 'changing.read', text: 'SELECT * FROM changing' }).then(({ rows }) => rows)
    const retries: string[] = []
    onTestFinished(db.events.on('retry', ({ code }) => retries.push(code)))
    expect(await read()).toEqual([{ id: 1 }])
    await admin.query("ALTER TABLE changing ADD COLUMN added text DEFAULT 'new'")
    expect(await read()).toEqual([{ id: 1, added: 'new' }])
    expect(retries).toEqual(['DB_STALE_STATEMENT'])
  })
})
