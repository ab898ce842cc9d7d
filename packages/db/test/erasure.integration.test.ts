import { TestClock } from '@cidadao/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ERASURE_BASES } from '../src/index.ts'
import { uuidV7, type AuditEntry, type Database, type EraseOptions, type TerminalStatus } from '../src/index.ts'
import { connectDirectly, openDatabase, openForTest, rejectionOf } from './fixtures/database-fixture.ts'
import { openWithLostCommit } from './fixtures/lost-commit.ts'

let db: Database
let url: string
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, url, close } = await openDatabase({ investigationCache: 'investigation_results' }))
})
beforeEach(() => db.sql.query('DELETE FROM investigations'))
afterAll(() => close())

const QUERY = 'Contratos da prefeitura'
const BY_PERSON: EraseOptions = { actor: { kind: 'human', id: 'dpo' }, basis: 'lgpd-18-vi', requestId: 'req-7' }
const DAY_MS = 86_400_000

function entryWith(personal: NonNullable<AuditEntry['personal']>, investigation: string): AuditEntry {
  return { actor: { kind: 'system' }, action: 'investigation.submitted', investigation, personal }
}

/** An investigation with all that hangs on it. */
async function storeWhole(database: Database, id: string, userId: string | null = 'ana'): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.investigations.save({ id, userId, query: QUERY, results: { found: 'João' } })
    await tx.runs.savePlan({ investigationId: id, revision: 1, plan: { steps: 1 } })
    await tx.runs.upsertSteps(id, [{ stepId: 's1', agent: 'zumbi', agentVersion: '1' }])
    await tx.runs.appendEvent({ investigationId: id, type: 'investigation.submitted' })
    tx.audit(entryWith({ query: QUERY, name: 'João' }, id), entryWith({ source: 'arquivo.csv' }, id))
  })
}

async function rowsAbout(database: Database, id: string): Promise<Readonly<Record<string, string>> | undefined> {
  const { rows } = await database.sql.query<Record<string, string>>(
    `SELECT (SELECT count(*) FROM investigations WHERE id = $1) AS investigations,
      (SELECT count(*) FROM investigation_plans WHERE investigation_id = $1) AS plans,
      (SELECT count(*) FROM investigation_steps WHERE investigation_id = $1) AS steps,
      (SELECT count(*) FROM investigation_events WHERE investigation_id = $1) AS events,
      (SELECT count(*) FROM audit_private JOIN audit_logs ON id = entry_id WHERE investigation_id = $1) AS openings,
      (SELECT count(*) FROM audit_logs WHERE investigation_id = $1) AS entries`,
    [id],
  )
  return rows[0]
}

const NOTHING = { investigations: '0', plans: '0', steps: '0', events: '0', openings: '0' }

describe('erase', () => {
  it('removes row, results, plans, steps, events and the openings of the log; its entries stay, and the log verifies', async () => {
    await storeWhole(db, 'inv_e1')
    await storeWhole(db, 'inv_other')
    expect(await db.investigations.erase('inv_e1', BY_PERSON)).toEqual({ investigationId: 'inv_e1', openings: 3 })
    expect(await rowsAbout(db, 'inv_e1')).toEqual({ ...NOTHING, entries: '3' })
    expect(await rowsAbout(db, 'inv_other')).toMatchObject({ investigations: '1', openings: '3', entries: '2' })
    expect(await db.investigations.get('inv_e1')).toBeUndefined()
    expect(await db.audit.verify(db.sql)).toMatchObject({ ok: true })
  })

  it('says in the log who erased it, on which basis and at whose request, and nothing of a person', async () => {
    await storeWhole(db, 'inv_e2')
    const before = await db.audit.entriesOf(db.sql, 'inv_e2')
    await db.investigations.erase('inv_e2', BY_PERSON)
    const last = (await db.audit.entriesOf(db.sql, 'inv_e2')).at(-1)
    expect(last).toMatchObject({ actor: BY_PERSON.actor, action: 'investigation.erased' })
    expect(last?.data).toEqual({
      basis: 'lgpd-18-vi',
      openings: 3,
      entries: before.map(({ seq }) => seq),
      outcome: 'success',
      request: 'req-7',
    })
  })

  it('leaves no word of the question or of a name anywhere in the database', async () => {
    const { db: own, url: ownUrl } = await openForTest()
    await own.transaction(async (tx) => {
      await tx.investigations.save({ id: 'inv_e3', query: 'zebrafish', metadata: { note: 'zebrafish' } })
      tx.audit(entryWith({ query: 'zebrafish' }, 'inv_e3'))
    })
    await own.investigations.erase('inv_e3', BY_PERSON)
    const client = await connectDirectly(ownUrl)
    const { rows: tables } = await client.query<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    for (const { name } of tables) {
      const { rows } = await client.query(`SELECT 1 FROM "${name}" AS t WHERE t::text LIKE '%zebrafish%'`)
      expect([name, rows.length]).toEqual([name, 0])
    }
    expect(tables.length).toBeGreaterThan(8)
  })

  it('commits an invalidation of the cache with it, and tells of it after the commit', async () => {
    await storeWhole(db, 'inv_e4')
    await db.sql.query('DELETE FROM cache_outbox')
    const told: unknown[] = []
    const off = db.events.on('erased', (event) => told.push(event))
    await db.investigations.erase('inv_e4', BY_PERSON)
    off()
    expect(told).toEqual([{ investigationId: 'inv_e4', basis: 'lgpd-18-vi' }])
    const { rows } = await db.sql.query('SELECT namespace, names FROM cache_outbox')
    expect(rows).toEqual([{ namespace: 'investigation_results', names: ['inv_e4'] }])
  })

  it.each([
    ['is absent', 'inv_404', {}],
    ["is somebody else's", 'inv_owned', { owner: 'bia' }],
    ['has an owner, asked for by nobody', 'inv_owned', { owner: null }],
  ])('erases nothing that %s', async (_name, id, scope) => {
    await storeWhole(db, 'inv_owned')
    const before = await rowsAbout(db, 'inv_owned')
    expect(await rejectionOf(db.investigations.erase(id, { ...BY_PERSON, ...scope }))).toMatchObject({ code: 'DB_INVESTIGATION_NOT_FOUND' })
    expect(await rowsAbout(db, 'inv_owned')).toEqual(before)
  })

  it('lets an owner remove what is theirs', async () => {
    await storeWhole(db, 'inv_e5')
    await db.investigations.erase('inv_e5', { ...BY_PERSON, basis: 'owner-request', owner: 'ana' })
    expect(await rowsAbout(db, 'inv_e5')).toMatchObject(NOTHING)
  })

  it('refuses a basis of its own making, since the log would keep that text for ever', async () => {
    await storeWhole(db, 'inv_e6')
    const free = { ...BY_PERSON, basis: 'João asked' as (typeof ERASURE_BASES)[number] }
    expect(await rejectionOf(db.investigations.erase('inv_e6', free))).toMatchObject({ code: 'DB_INVALID_OPTIONS' })
    expect(await rowsAbout(db, 'inv_e6')).toMatchObject({ investigations: '1' })
  })

  it('refuses an owner that was forgotten', async () => {
    const forgotten = { ...BY_PERSON, owner: undefined } as unknown as EraseOptions
    expect(await rejectionOf(db.investigations.erase('inv_e6', forgotten))).toMatchObject({ facts: { field: 'owner' } })
  })

  it('goes with the transaction of the caller, the openings included', async () => {
    await storeWhole(db, 'inv_e7')
    const undone = db.transaction(async (tx) => {
      await tx.investigations.erase('inv_e7', BY_PERSON)
      throw new Error('changed my mind')
    })
    expect(await rejectionOf(undone)).toMatchObject({ message: 'changed my mind' })
    expect(await rowsAbout(db, 'inv_e7')).toMatchObject({ investigations: '1', openings: '3', entries: '2' })
  })

  it('waits for a writer that has the row, and takes along what that one adds to the log', async () => {
    await storeWhole(db, 'inv_e8')
    const { promise: erasing, resolve: startErasing } = Promise.withResolvers<Promise<unknown>>()
    await db.transaction(async (tx) => {
      await tx.runs.appendEvent({ investigationId: 'inv_e8', type: 'step.started' })
      startErasing(db.investigations.erase('inv_e8', BY_PERSON))
      await expect.poll(waiters).toBe(1)
      tx.audit(entryWith({ late: 'João' }, 'inv_e8'))
    })
    expect(await erasing.then((outcome) => outcome)).toMatchObject({ openings: 4 })
    expect(await rowsAbout(db, 'inv_e8')).toMatchObject(NOTHING)
  })

  it('is done once when the answer to its commit is lost', async () => {
    const { direct, through, cutCommit } = await openWithLostCommit()
    await direct.sql.query('DROP TRIGGER slow ON investigations')
    await direct.sql.query(
      'CREATE CONSTRAINT TRIGGER slow AFTER DELETE ON investigations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()',
    )
    await storeWhole(direct, 'inv_e9')
    cutCommit()
    expect(await through.investigations.erase('inv_e9', BY_PERSON)).toMatchObject({ investigationId: 'inv_e9' })
    expect(await rowsAbout(direct, 'inv_e9')).toEqual({ ...NOTHING, entries: '3' })
  })
})

async function waiters(): Promise<number> {
  const { rows } = await (
    await connectDirectly(url)
  ).query<{ count: string }>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
  return Number(rows[0]?.count)
}

describe('retention', () => {
  const NOW = new Date('2026-06-01T00:00:00.000Z')

  async function storeAged(
    database: Database,
    count: number,
    age: { readonly days: number; readonly status?: TerminalStatus },
  ): Promise<void> {
    const { days, status = 'completed' } = age
    const createdAt = new Date(NOW.getTime() - days * DAY_MS)
    const ended = { completedAt: createdAt, errorMessage: status === 'error' ? 'x' : null }
    await database.investigations.saveMany(
      Array.from({ length: count }, () => ({ id: uuidV7(NOW), query: QUERY, status, createdAt, ...ended })),
    )
  }

  it('erases what has ended and is too old, in batches, with an audit entry each, and leaves the rest', async () => {
    const { db: own } = await openForTest({ clock: new TestClock(NOW) })
    await storeAged(own, 25, { days: 400 })
    await storeAged(own, 5, { days: 400, status: 'error' })
    await storeAged(own, 5, { days: 400, status: 'cancelled' })
    await storeAged(own, 7, { days: 300 })
    await own.investigations.save({ id: 'old_but_running', query: QUERY, createdAt: new Date(0), status: 'processing' })
    const commits: string[] = []
    own.events.on('query', ({ operation }) => operation === 'commit' && commits.push(operation))
    expect(await own.investigations.eraseExpired({ olderThanMs: 365 * DAY_MS, batchSize: 10 })).toEqual({ erased: 35, more: false })
    // 10 + 10 + 5 + none, 5 + none, 5 + none.
    expect(commits).toHaveLength(8)
    expect(await own.investigations.stats()).toMatchObject({ total: 8, byStatus: { completed: 7, processing: 1 } })
    const { rows } = await own.sql.query(
      "SELECT agent_name, data ->> 'basis' AS basis, count(*) FROM audit_logs WHERE action = 'investigation.erased' GROUP BY 1, 2",
    )
    expect(rows).toEqual([{ agent_name: 'system:retention', basis: 'retention', count: '35' }])
  })

  it('does no more than its limit in one call, and says that there is more', async () => {
    const { db: own } = await openForTest({ clock: new TestClock(NOW) })
    await storeAged(own, 12, { days: 400 })
    expect(await own.investigations.eraseExpired({ olderThanMs: DAY_MS, batchSize: 5, limit: 8 })).toEqual({ erased: 8, more: true })
    expect(await own.investigations.eraseExpired({ olderThanMs: DAY_MS })).toEqual({ erased: 4, more: false })
  })

  it('shares the work with another process instead of waiting for it', async () => {
    const { db: own } = await openForTest({ clock: new TestClock(NOW) })
    await storeAged(own, 60, { days: 400 })
    const run = (): Promise<{ readonly erased: number }> => own.investigations.eraseExpired({ olderThanMs: DAY_MS, batchSize: 5 })
    const reports = await Promise.all([run(), run(), run()])
    expect(reports.reduce((sum, { erased }) => sum + erased, 0)).toBe(60)
    const { rows } = await own.sql.query("SELECT count(*) FROM audit_logs WHERE action = 'investigation.erased'")
    expect(rows).toEqual([{ count: '60' }])
  })

  it('stops between two batches when it is aborted', async () => {
    const { db: own } = await openForTest({ clock: new TestClock(NOW) })
    await storeAged(own, 10, { days: 400 })
    const controller = new AbortController()
    own.events.on('erased', () => controller.abort(new Error('enough')))
    const { signal } = controller
    expect(await rejectionOf(own.investigations.eraseExpired({ olderThanMs: DAY_MS, batchSize: 4, signal }))).toMatchObject({
      message: 'enough',
    })
    expect(await own.investigations.stats()).toMatchObject({ total: 6 })
  })

  it.each([{ olderThanMs: 0 }, { olderThanMs: Number.NaN }, { olderThanMs: DAY_MS, batchSize: 0 }, { olderThanMs: DAY_MS, limit: -1 }])(
    'refuses %o, rather than erase everything',
    async (options) => {
      await db.investigations.save({ query: QUERY, status: 'cancelled', createdAt: new Date(0) })
      expect(await rejectionOf(db.investigations.eraseExpired(options))).toMatchObject({ code: 'DB_INVALID_OPTIONS' })
      expect(await db.investigations.stats()).toMatchObject({ total: 1 })
    },
  )
})
