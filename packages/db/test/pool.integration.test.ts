import { TcpProxy } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createDatabase, type Database, type DatabaseEvents, type DatabaseOptions, type QueryEvent } from '../src/index.ts'
import { AUDIT_ORIGIN, connectDirectly, openDatabase, openForTest, rejectionOf } from './fixtures/database-fixture.ts'

let db: Database
let url: string
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, url, close } = await openDatabase())
})
afterAll(() => close())

/** Another database object on the same server and schema. */
async function open(options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const other = build(options)
  await other.start()
  return other
}

function build(options: Partial<DatabaseOptions>): Database {
  const resilience = { initialDelayMs: 5, maxDelayMs: 20, ...options.resilience }
  const other = createDatabase({ url, auditOrigin: AUDIT_ORIGIN, migrations: 'skip', ...options, resilience })
  onTestFinished(() => other.stop())
  return other
}

function record<Name extends keyof DatabaseEvents>(source: Database, name: Name): DatabaseEvents[Name][] {
  const events: DatabaseEvents[Name][] = []
  onTestFinished(source.events.on(name, (event) => events.push(event)))
  return events
}

/** Holds one connection until released. */
async function holdConnection(source: Database): Promise<() => Promise<void>> {
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  let done: Promise<void> = Promise.resolve()
  await new Promise<void>((begun) => {
    done = source.transaction(async (tx) => {
      await tx.sql.query('SELECT 1')
      begun()
      await held
    })
  })
  return () => {
    release()
    return done
  }
}

async function openProxy(): Promise<{ readonly proxy: TcpProxy; readonly proxied: string }> {
  const target = new URL(url)
  const proxy = await TcpProxy.open({ targetHost: target.hostname, targetPort: Number(target.port) })
  onTestFinished(() => proxy.stop())
  target.hostname = '127.0.0.1'
  target.port = String(proxy.port)
  return { proxy, proxied: target.href }
}

describe('the pool', () => {
  it('fails with an error of its own when every connection stays busy, counts it, and recovers', async () => {
    const small = await open({ pool: { size: 1, maxOverflow: 0, acquireTimeoutMs: 50 } })
    const timeouts = record(small, 'pool-timeout')
    const release = await holdConnection(small)
    expect(await rejectionOf(small.investigations.get('inv_001'))).toMatchObject({ code: 'DB_POOL_TIMEOUT', facts: { total: 1, idle: 0 } })
    expect(timeouts).toHaveLength(1)
    expect(small.stats()).toMatchObject({ timeouts: 1, total: 1, max: 1, breaker: 'closed' })
    await release()
    expect(await small.investigations.get('inv_001')).toBeUndefined()
  })

  it('replaces a connection that the server ended while it was idle, and the process lives', async () => {
    const own = await open({ pool: { applicationName: 'ended-while-idle' } })
    const lost = record(own, 'connection-lost')
    await own.ping()
    const { rowCount } = await db.sql.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended-while-idle'",
    )
    expect(rowCount).toBe(1)
    expect(await own.investigations.get('inv_001')).toBeUndefined()
    await vi.waitFor(() => expect(lost).toEqual([{ code: 'DB_CONNECTION_LOST' }]))
  })

  it('tries a connection that was idle for long before handing it out, and takes another when it is dead', async () => {
    const { proxy, proxied } = await openProxy()
    const own = await open({ url: proxied, pool: { pingAfterIdleMs: 0, pingTimeoutMs: 30 } })
    const connects = record(own, 'connect')
    await proxy.setFault({ kind: 'blackhole' })
    const failed: string[] = []
    onTestFinished(
      own.events.on('query', (event) => {
        if (event.outcome === 'ok') return
        failed.push(event.code ?? '')
        void proxy.heal()
      }),
    )
    expect(await own.investigations.get('inv_001')).toBeUndefined()
    expect(failed).toEqual(['DB_ANSWER_TIMEOUT'])
    expect(connects).toHaveLength(1)
  })

  it('keeps a connection whose statement failed', async () => {
    const own = await open()
    const removes = record(own, 'remove')
    await rejectionOf(own.sql.query('SELECT 1/0'))
    expect(await own.ping()).toMatchObject({ role: 'primary' })
    expect([removes.length, own.stats().total]).toEqual([0, 1])
  })

  it('reports counts, waits and uses as a snapshot that does not change', async () => {
    const own = await open()
    const before = own.stats()
    await own.ping()
    const after = own.stats()
    expect(Object.isFrozen(before)).toBe(true)
    expect(after.queries.count).toBe(before.queries.count + 1)
    expect(after.use.count).toBe(before.use.count + 1)
    expect(after.wait.totalMs).toBeGreaterThanOrEqual(before.wait.totalMs)
    expect(after).toMatchObject({ idle: 1, waiting: 0, max: 50 })
  })

  it('measures the one path of all statements: stores, port, transactions and Prisma', async () => {
    const events: QueryEvent[] = record(db, 'query')
    await db.investigations.get('inv_001')
    await db.sql.query('SELECT 1')
    await db.transaction((tx) => tx.sql.query('SELECT 2'))
    await db.metrics.series('nothing')
    await rejectionOf(db.sql.query('SELECT nonsense'))
    expect(events.map(({ operation, outcome, code }) => `${operation} ${outcome} ${code ?? ''}`.trim())).toEqual([
      'investigations.get ok',
      'select ok',
      'begin ok',
      'select ok',
      'commit ok',
      'select ok',
      'select failed DB_SCHEMA_MISMATCH',
    ])
    expect(events.every(({ durationMs }) => durationMs > 0)).toBe(true)
  })

  it('emits what happens to connections, with times', async () => {
    const own = build({})
    const connects = record(own, 'connect')
    const acquires = record(own, 'acquire')
    const releases = record(own, 'release')
    const removes = record(own, 'remove')
    await own.start()
    await own.stop()
    expect(connects).toEqual([{ total: 1 }])
    expect(acquires.length).toBeGreaterThan(0)
    expect(releases).toHaveLength(acquires.length)
    expect(removes).toHaveLength(1)
  })
})

describe('timeouts', () => {
  it('stops a statement on the server after the statement timeout, and the connection serves on', async () => {
    const own = await open({ pool: { statementTimeoutMs: 50, size: 1, maxOverflow: 0 } })
    expect(await rejectionOf(own.sql.query('SELECT pg_sleep(20)'))).toMatchObject({ code: 'DB_STATEMENT_TIMEOUT' })
    expect(await own.ping()).toMatchObject({ role: 'primary' })
    const { rows } = await db.sql.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(20)%' AND state = 'active'")
    expect(rows).toEqual([])
  })

  it('gives up on a lock after the lock timeout', async () => {
    const own = await open({ pool: { lockTimeoutMs: 50 } })
    await db.investigations.save({ id: 'inv_locked', query: 'q' })
    const other = await connectDirectly(url)
    await other.query("BEGIN; SELECT 1 FROM investigations WHERE id = 'inv_locked' FOR UPDATE")
    expect(await rejectionOf(own.investigations.cancel('inv_locked'))).toMatchObject({ code: 'DB_LOCK_TIMEOUT' })
  })

  it('ends a transaction that somebody forgot', async () => {
    const own = await open({ pool: { idleInTransactionTimeoutMs: 50 }, resilience: { attempts: 0 } })
    const work = own.transaction(async (tx) => {
      await tx.sql.query('SELECT 1')
      await vi.waitFor(
        async () => expect((await db.sql.query("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'")).rows).toEqual([]),
        5_000,
      )
      await tx.sql.query('SELECT 2')
    })
    expect(await rejectionOf(work)).toMatchObject({ code: 'DB_TRANSACTION_LOST' })
  })

  it('lets a ping be aborted', async () => {
    const { proxy, proxied } = await openProxy()
    const own = await open({ url: proxied })
    await proxy.setFault({ kind: 'blackhole' })
    const reason = new Error('the probe took too long')
    const abort = new AbortController()
    const ping = own.ping(abort.signal)
    abort.abort(reason)
    expect(await rejectionOf(ping)).toBe(reason)
    await proxy.heal()
  })
})

describe('time zones', () => {
  it('keeps instants exact whatever zone and date style server, database and process are in', async () => {
    const { db: first, url: own } = await openForTest()
    const name = new URL(own).pathname.slice(1)
    await first.sql.query(`ALTER DATABASE ${name} SET timezone = 'America/Sao_Paulo'`)
    await first.sql.query(`ALTER DATABASE ${name} SET datestyle = 'SQL, DMY'`)
    vi.stubEnv('TZ', 'America/Sao_Paulo')
    const zoned = await open({ url: own })
    // Midnight in summer time that no longer exists, and an ordinary instant late in the evening.
    for (const instant of ['2018-11-04T03:00:00.000Z', '2024-12-31T23:59:59.999Z'].map((text) => new Date(text))) {
      const saved = await zoned.investigations.save({ query: 'q', createdAt: instant })
      expect((await zoned.investigations.get(saved.id))?.createdAt).toEqual(instant)
      expect((await zoned.investigations.find({ createdFrom: instant, limit: 500 })).items.map(({ id }) => id)).toContain(saved.id)
      await zoned.metrics.record([{ name: `m${instant.getTime()}`, value: 1, timestamp: instant }])
      expect((await zoned.metrics.series(`m${instant.getTime()}`))[0]?.timestamp).toEqual(instant)
      const { rows } = await zoned.sql.query<{ utc: string }>('SELECT created_at::text AS utc FROM investigations WHERE id = $1', [
        saved.id,
      ])
      expect(new Date(rows[0]?.utc ?? '')).toEqual(instant)
    }
  })
})

describe('starting and stopping', () => {
  it('refuses a pool that the server could never fill', async () => {
    expect(await rejectionOf(build({ pool: { size: 9_000 } }).start())).toMatchObject({
      code: 'DB_CONNECTION_BUDGET',
      facts: { perProcess: 9_030 },
    })
  })

  it('warns where all processes together want more connections than there are', async () => {
    const own = build({ pool: { processes: 100 } })
    const warnings = record(own, 'connection-budget')
    await own.start()
    expect(warnings).toMatchObject([{ planned: 5_000, processes: 100 }])
  })

  it.each([
    ['a wrong password', (address: URL) => (address.password = 'wrong'), 'DB_AUTHENTICATION'],
    ['a database that does not exist', (address: URL) => (address.pathname = '/nowhere'), 'DB_DATABASE_MISSING'],
    ['a server that is not there', (address: URL) => (address.port = '1'), 'DB_UNAVAILABLE'],
  ])('fails loudly for %s, without the password in the message, and can be tried again', async (_name, spoil, code) => {
    const address = new URL(url)
    const { password } = address
    spoil(address)
    let current = address.href
    const own = build({ url: () => current })
    const error = await rejectionOf(own.start())
    expect(error).toMatchObject({ code })
    expect(JSON.stringify(error)).not.toContain(password)
    expect(error.message).not.toContain(password)
    current = url
    await own.start()
    expect(await own.ping()).toMatchObject({ role: 'primary' })
  })

  it('insists on TLS where it is required', async () => {
    expect(await rejectionOf(build({ pool: { tls: 'required' } }).start())).toMatchObject({ code: 'DB_TLS' })
  })

  it('builds one pool for callers who start at the same time, and can be stopped twice and started again', async () => {
    const own = build({})
    const connects = record(own, 'connect')
    await Promise.all([own.start(), own.start(), own.start()])
    expect(connects).toHaveLength(1)
    await Promise.all([own.stop(), own.stop()])
    await own.start()
    expect(await own.ping()).toMatchObject({ role: 'primary' })
  })

  it('waits for running work when stopping, and refuses new work meanwhile', async () => {
    const own = await open()
    const release = await holdConnection(own)
    const stopping = own.stop()
    expect(await rejectionOf(own.investigations.get('inv_001'))).toMatchObject({ code: 'DB_CLOSED' })
    await release()
    await stopping
  })

  it('cuts off work that does not end in time', async () => {
    const own = await open({ pool: { stopTimeoutMs: 50 }, resilience: { attempts: 0 } })
    const running = rejectionOf(own.sql.query('SELECT pg_sleep(20)'))
    await vi.waitFor(() => expect(own.stats().idle).toBe(0))
    await own.stop()
    expect(await running).toMatchObject({ code: 'DB_CONNECTION_LOST' })
  })
})

describe('a server that goes away', () => {
  it('opens the circuit, fails fast, and closes again after a probe', async () => {
    const { proxy, proxied } = await openProxy()
    const own = await open({ url: proxied, resilience: { attempts: 0, breakAfter: 2, breakForMs: 2_000 } })
    const breaker = record(own, 'breaker')
    await proxy.setFault({ kind: 'refuse' })
    proxy.cutAll()
    for (let call = 0; call < 2; call += 1) await rejectionOf(own.investigations.get('inv_001'))
    expect(await rejectionOf(own.investigations.get('inv_001'))).toMatchObject({ code: 'DB_CIRCUIT_OPEN' })
    expect(own.stats().breaker).toBe('open')
    await proxy.heal()
    await vi.waitFor(async () => expect(await own.investigations.get('inv_001')).toBeUndefined(), { timeout: 15_000, interval: 100 })
    expect(breaker.map(({ state }) => state)).toEqual(['open', 'half-open', 'closed'])
  })

  it('is reached again by retries, each of them told', async () => {
    const { proxy, proxied } = await openProxy()
    const own = await open({ url: proxied })
    const retries: string[] = []
    await proxy.setFault({ kind: 'refuse' })
    proxy.cutAll()
    onTestFinished(
      own.events.on('retry', ({ code }) => {
        retries.push(code)
        void proxy.heal()
      }),
    )
    expect(await own.investigations.get('inv_001')).toBeUndefined()
    expect(retries.length).toBeGreaterThan(0)
  })

  it('is not asked twice to do what may have been done', async () => {
    const { proxy, proxied } = await openProxy()
    const own = await open({ url: proxied })
    const retries = record(own, 'retry')
    const running = rejectionOf(own.sql.query("SELECT pg_sleep(20), 'once'"))
    await vi.waitFor(() => expect(own.stats().idle).toBe(0))
    proxy.cutAll()
    expect(await running).toMatchObject({ code: 'DB_CONNECTION_LOST', effect: 'unknown' })
    expect(retries).toEqual([])
  })
})
