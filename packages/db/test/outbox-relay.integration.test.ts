import { SeededRandom, eventually } from '@cidadao/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, createOutboxRelay, type Database, type OutboxRelay, type OutboxRelayEvents } from '../src/index.ts'
import { AUDIT_ORIGIN, connectDirectly, openDatabase } from './fixtures/database-fixture.ts'
import { Delivered, invalidate, startRelay } from './fixtures/outbox-fixture.ts'

const SETTLED_MS = 15_000
let db: Database
let url: string
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, url, close } = await openDatabase())
})
beforeEach(() => db.sql.query('DELETE FROM cache_outbox'))
afterAll(() => close())

function record<Name extends keyof OutboxRelayEvents>(relay: OutboxRelay, name: Name): OutboxRelayEvents[Name][] {
  const events: OutboxRelayEvents[Name][] = []
  onTestFinished(relay.events.on(name, (event) => events.push(event)))
  return events
}

const write = (key: string): string => `INSERT INTO cache_outbox (namespace, target, names) VALUES ('n', 'keys', '{${key}}')`

describe('an outbox relay', () => {
  it('delivers what was committed, with all that it says, once', async () => {
    const sink = new Delivered()
    const relay = await startRelay(db, sink)
    await db.invalidate({ namespace: 'a', keys: ['k1', 'k2'] }, { namespace: 'b', tags: ['t'] }, { namespace: 'c', clear: 'all' })
    await sink.expectOnce('k1', 'k2', 't')
    expect(sink.batches.flat().map(({ namespace, target, names }) => ({ namespace, target, names }))).toEqual([
      { namespace: 'a', target: 'keys', names: ['k1', 'k2'] },
      { namespace: 'b', target: 'tags', names: ['t'] },
      { namespace: 'c', target: 'all', names: [] },
    ])
    await eventually(() => expect(relay.stats()).toMatchObject({ state: 'watching', delivered: 3, lag: { messages: 0 } }), {
      deadlineMs: SETTLED_MS,
    })
    await relay.stop()
    expect(sink.batches).toHaveLength(1)
  })

  it('delivers at once what its own process commits, however rarely it looks', async () => {
    const sink = new Delivered()
    const relay = await startRelay(db, { deliver: sink.deliver, pollIntervalMs: 3_600_000 })
    await eventually(() => expect(relay.stats().state).toBe('watching'), { deadlineMs: SETTLED_MS })
    await invalidate(db, 'now')
    await sink.expectOnce('now')
  })

  it('finds what another process commits by looking', async () => {
    const sink = new Delivered()
    await startRelay(db, sink)
    const other = await connectDirectly(url)
    await other.query(write('elsewhere'))
    await sink.expectOnce('elsewhere')
  })

  it('skips no transaction that began and wrote first and commits last (pitfall 55)', async () => {
    const sink = new Delivered()
    await startRelay(db, sink)
    const [early, late] = [await connectDirectly(url), await connectDirectly(url)]
    await early.query('BEGIN')
    await early.query(write('first-written'))
    await late.query(write('second-written'))
    await invalidate(db, 'third-written')
    await sink.expectOnce('second-written', 'third-written')
    await early.query('COMMIT')
    await sink.expectOnce('second-written', 'third-written', 'first-written')
  })

  it('skips no row of a transaction that got its number long before it wrote', async () => {
    const sink = new Delivered()
    await startRelay(db, sink)
    const early = await connectDirectly(url)
    await early.query('BEGIN; SELECT pg_current_xact_id()')
    await invalidate(db, 'a')
    await sink.expectOnce('a')
    await early.query(write('b'))
    await invalidate(db, 'c')
    await sink.expectOnce('a', 'c')
    await early.query('COMMIT')
    await sink.expectOnce('a', 'c', 'b')
  })

  it('delivers nothing of what is rolled back', async () => {
    const sink = new Delivered()
    await startRelay(db, sink)
    const other = await connectDirectly(url)
    await other.query('BEGIN')
    await other.query(write('never'))
    await other.query('SAVEPOINT s')
    await other.query(write('neither'))
    await other.query('ROLLBACK')
    await invalidate(db, 'marker')
    await sink.expectOnce('marker')
  })

  it('loses nothing and invents nothing while many write, commit and roll back in any order', async () => {
    const sink = new Delivered()
    await startRelay(db, { deliver: sink.deliver, batchSize: 7, pollIntervalMs: 1 })
    const committed: string[] = []
    const writer = async (seed: number): Promise<void> => {
      const random = new SeededRandom(seed)
      const client = await connectDirectly(url)
      for (let turn = 0; turn < 60; turn += 1) {
        const key = `w${seed}-${turn}`
        await client.query('BEGIN')
        await client.query(write(key))
        if (random.chance(0.4)) await client.query('SELECT pg_sleep($1)', [random.next() / 50])
        const commits = random.chance(0.8)
        await client.query(commits ? 'COMMIT' : 'ROLLBACK')
        if (commits) committed.push(key)
      }
    }
    await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(writer))
    expect(committed.length).toBeGreaterThan(300)
    await sink.expectOnce(...committed)
    expect(Math.max(...sink.batches.map(({ length }) => length))).toBeLessThanOrEqual(7)
  })

  it('walks a backlog in batches', async () => {
    await invalidate(db, ...Array.from({ length: 25 }, (_, index) => `b${index}`))
    const sink = new Delivered()
    const relay = await startRelay(db, { deliver: sink.deliver, batchSize: 10 })
    await sink.expectOnce(...Array.from({ length: 25 }, (_, index) => `b${index}`))
    await relay.stop()
    expect(sink.batches.map(({ length }) => length)).toEqual([10, 10, 5])
  })

  it('walks it by the numbers of the transactions, whatever their number of digits', async () => {
    await db.sql.query("UPDATE cache_outbox_position SET delivered = '3:3:'")
    for (const xid of ['9', '10', '99', '100', '101']) {
      await db.sql.query(`INSERT INTO cache_outbox (xid, namespace, target, names) VALUES ('${xid}', 'n', 'keys', '{x${xid}}')`)
    }
    const sink = new Delivered()
    await startRelay(db, { deliver: sink.deliver, batchSize: 1 })
    await sink.expectOnce('x9', 'x10', 'x99', 'x100', 'x101')
  })

  it('goes on in the middle of a backlog where the one before it had stopped', async () => {
    await invalidate(db, 'a', 'b', 'c', 'd', 'e')
    const first = new Delivered()
    const relay = createOutboxRelay({
      db,
      batchSize: 2,
      deliver: async (messages, signal) => {
        await first.deliver(messages, signal)
        void relay.stop()
      },
    })
    await relay.start()
    await eventually(() => expect(relay.stats()).toMatchObject({ state: 'stopped', delivered: 2 }), { deadlineMs: SETTLED_MS })
    const second = new Delivered()
    await startRelay(db, second)
    await second.expectOnce('c', 'd', 'e')
    expect(first.names).toEqual(['a', 'b'])
  })

  it('shows how much waits, and for how long', async () => {
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    const client = await connectDirectly(url)
    await client.query(
      `INSERT INTO cache_outbox (namespace, target, names, created_at) VALUES ('n', 'keys', '{old}', now() - interval '1 hour')`,
    )
    await invalidate(db, 'new')
    const relay = await startRelay(db, { deliver: () => opened })
    await eventually(() => expect(relay.stats().state).toBe('delivering'), { deadlineMs: SETTLED_MS })
    const { lag } = relay.stats()
    expect(lag).toMatchObject({ messages: 2, refused: 0 })
    expect(lag?.oldestMs).toBeGreaterThan(3_599_000)
    const looks = record(relay, 'lag')
    open()
    await eventually(() => expect(looks.at(-1)).toEqual({ messages: 0, oldestMs: 0, refused: 0 }), { deadlineMs: SETTLED_MS })
  })

  it('is not held up by a transaction that stays open, and says which one it is', async () => {
    const forgetful = await connectDirectly(url)
    await forgetful.query("SET application_name = 'forgetful'")
    await forgetful.query('BEGIN')
    await forgetful.query(write('kept back'))
    const { rows } = await forgetful.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const sink = new Delivered()
    const relay = await startRelay(db, { deliver: sink.deliver, longTransactionMs: 0, sweepIntervalMs: 10 })
    const told = record(relay, 'long-transaction')
    await invalidate(db, 'others go on')
    await sink.expectOnce('others go on')
    await eventually(() => expect(relay.stats().longTransaction).toMatchObject({ pid: rows[0]?.pid }), { deadlineMs: SETTLED_MS })
    expect(told[0]).toMatchObject({ applicationName: 'forgetful', state: 'idle in transaction' })
    await forgetful.query('COMMIT')
    await sink.expectOnce('others go on', 'kept back')
    await eventually(() => expect(relay.stats().longTransaction).toBeNull(), { deadlineMs: SETTLED_MS })
  })

  it('deletes what was delivered long enough ago, and nothing else', async () => {
    const forgetful = await connectDirectly(url)
    const sink = new Delivered()
    const relay = await startRelay(db, { deliver: sink.deliver, retentionMs: 0, sweepIntervalMs: 10 })
    const swept = record(relay, 'swept')
    await invalidate(db, 'a', 'b')
    await sink.expectOnce('a', 'b')
    const count = async (): Promise<unknown> => (await db.sql.query('SELECT count(*)::integer AS rows FROM cache_outbox')).rows[0]
    await eventually(async () => expect(await count()).toEqual({ rows: 0 }), { deadlineMs: SETTLED_MS })
    expect(swept.reduce((sum, { rows }) => sum + rows, 0)).toBe(2)
    await relay.stop()
    await forgetful.query(write('waits'))
    const hanging = await startRelay(db, { deliver: () => new Promise(() => {}), retentionMs: 0, sweepIntervalMs: 1, stopTimeoutMs: 1 })
    await eventually(() => expect(hanging.stats().state).toBe('delivering'), { deadlineMs: SETTLED_MS })
    expect(await count()).toEqual({ rows: 1 })
  })

  it('runs as a role that has no rights but on its tables', async () => {
    const admin = await connectDirectly(url)
    const role = `relay_${process.pid}`
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'p'`)
    await admin.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON cache_outbox, cache_outbox_position TO ${role}`)
    await admin.query(`GRANT SELECT ON audit_head TO ${role}`)
    await admin.query(`GRANT EXECUTE ON FUNCTION audit_open(text, text) TO ${role}`)
    onTestFinished(async () => {
      await admin.query(`DROP OWNED BY ${role}`)
      await admin.query(`DROP ROLE ${role}`)
    })
    const address = new URL(url)
    address.username = role
    address.password = 'p'
    const plain = createDatabase({ url: address.href, auditOrigin: AUDIT_ORIGIN, migrations: 'skip' })
    onTestFinished(() => plain.stop())
    await plain.start()
    const sink = new Delivered()
    await startRelay(plain, { deliver: sink.deliver, retentionMs: 0, sweepIntervalMs: 1 })
    await invalidate(plain, 'plain')
    await sink.expectOnce('plain')
  })

  it('delivers everything again after a restore on another server, whose transactions have other numbers', async () => {
    const sink = new Delivered()
    const first = await startRelay(db, sink)
    await invalidate(db, 'a', 'b')
    await sink.expectOnce('a', 'b')
    await first.stop()
    // As a dump from a server that had counted much further: the numbers of here would all look delivered.
    await db.sql.query("UPDATE cache_outbox SET xid = '4000000000'")
    await db.sql.query("UPDATE cache_outbox_position SET delivered = '4000000001:4000000001:'")
    await invalidate(db, 'c')
    const again = new Delivered()
    const second = createOutboxRelay({ db, deliver: again.deliver, pollIntervalMs: 20 })
    const replaced = record(second, 'history-replaced')
    onTestFinished(() => second.stop())
    await second.start()
    await again.expectOnce('a', 'b', 'c')
    await invalidate(db, 'd')
    await again.expectOnce('a', 'b', 'c', 'd')
    expect(replaced).toEqual([{ rows: 3 }])
    await second.stop()
    // And from one that had not come as far: the numbers alone would not tell.
    await db.sql.query('UPDATE cache_outbox_position SET system_identifier = 1')
    const third = new Delivered()
    await startRelay(db, third)
    await third.expectOnce('a', 'b', 'c', 'd')
  })

  it('refuses options that cannot work', () => {
    const { deliver } = new Delivered()
    expect(() => createOutboxRelay({ db, deliver, batchSize: 0 })).toThrow(/batchSize must be an integer from 1 to 10000; received 0/)
    expect(() => createOutboxRelay({ db, deliver, initialBackoffMs: 50, maxBackoffMs: 49 })).toThrow(/maxBackoffMs/)
    expect(() => createOutboxRelay({ db, deliver: undefined as never })).toThrow(/deliver must be a function/)
  })
})
