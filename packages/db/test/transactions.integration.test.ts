import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { AuditEntry } from '../src/audit/audit-entry.ts'
import type { Database, DatabaseEvents } from '../src/index.ts'
import { openDatabase, rejectionOf } from './fixtures/database-fixture.ts'
import { openWithLostCommit } from './fixtures/lost-commit.ts'

let db: Database
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
})
beforeEach(() => db.sql.query('DELETE FROM investigations'))
afterAll(() => close())

const entry = (action: string, investigation: string): AuditEntry => ({ actor: { kind: 'system' }, action, investigation })

async function auditActions(database: Database, investigation: string): Promise<readonly string[]> {
  return (await database.audit.entriesOf(database.sql, investigation)).map(({ action }) => action)
}

describe('a transaction', () => {
  it('commits a change and its audit entry together, the entry last', async () => {
    const order: string[] = []
    const stop = db.events.on('query', ({ operation, outcome }) => order.push(`${operation} ${outcome}`))
    const saved = await db.investigations.save({ id: 'inv_audit', query: 'q' }, { audit: entry('investigation.created', 'inv_audit') })
    stop()
    expect(order.at(0)).toBe('begin ok')
    expect(order.at(1)).toBe('investigations.insert ok')
    expect(order.at(-1)).toBe('commit ok')
    expect(order).toHaveLength(4)
    expect(await auditActions(db, saved.id)).toEqual(['investigation.created'])
    expect(await db.audit.verify(db.sql)).toMatchObject({ ok: true })
  })

  it('leaves neither the change nor the entry when it fails', async () => {
    const failure = new Error('the caller changed his mind')
    const work = db.transaction(async (tx) => {
      await tx.investigations.save({ id: 'inv_gone', query: 'q' }, { audit: entry('investigation.created', 'inv_gone') })
      await tx.runs.savePlan({ investigationId: 'inv_gone', revision: 1, plan: {} })
      throw failure
    })
    expect(await rejectionOf(work)).toBe(failure)
    expect(await db.investigations.get('inv_gone')).toBeUndefined()
    expect(await auditActions(db, 'inv_gone')).toEqual([])
  })

  it('tells how many entries were committed, and nothing of those that were rolled back', async () => {
    const told: number[] = []
    onTestFinished(db.events.on('audited', ({ entries }) => told.push(entries)))
    await db.transaction(async (tx) => tx.audit(entry('one.done', 'inv_told'), entry('two.done', 'inv_told')))
    await rejectionOf(
      db.transaction(async (tx) => {
        tx.audit(entry('never.done', 'inv_told'))
        throw new Error('no')
      }),
    )
    await db.investigations.get('inv_told')
    expect(told).toEqual([2])
  })

  it('does not save a change whose audit entry is refused', async () => {
    const bad: AuditEntry = { actor: { kind: 'system' }, action: '', investigation: 'inv_unaudited' }
    await rejectionOf(db.investigations.save({ id: 'inv_unaudited', query: 'q' }, { audit: bad }))
    expect(await db.investigations.get('inv_unaudited')).toBeUndefined()
  })

  it('tells of a save and a transition only once they are committed', async () => {
    const told: unknown[] = []
    const stops = [db.events.on('saved', (event) => told.push(event)), db.events.on('transition', (event) => told.push(event))]
    onTestFinished(() => stops.forEach((stop) => stop()))
    await db.transaction(async (tx) => {
      const first = await tx.investigations.save({ id: 'inv_told', query: 'q' })
      await tx.investigations.save({ ...first, status: 'processing' })
      expect(told).toEqual([])
    })
    await rejectionOf(
      db.transaction(async (tx) => {
        await tx.investigations.cancel('inv_told')
        throw new Error('rolled back')
      }),
    )
    expect(told).toEqual([
      { investigationId: 'inv_told', version: 1, status: 'pending' },
      { investigationId: 'inv_told', from: null, to: 'pending', attempt: 1 },
      { investigationId: 'inv_told', version: 2, status: 'processing' },
      { investigationId: 'inv_told', from: 'pending', to: 'processing', attempt: 1 },
    ])
  })

  it('says so when a failed statement was swallowed, instead of pretending to have committed', async () => {
    const work = db.transaction(async (tx) => {
      await tx.investigations.save({ id: 'inv_lost', query: 'q' })
      await rejectionOf(tx.sql.query('SELECT 1/0'))
    })
    expect(await rejectionOf(work)).toMatchObject({ code: 'DB_TRANSACTION_ABORTED' })
    expect(await db.investigations.get('inv_lost')).toBeUndefined()
  })

  it('refuses to be used after its end', async () => {
    const tx = await db.transaction(async (open) => open)
    expect(await rejectionOf(tx.investigations.get('inv_001'))).toMatchObject({ code: 'DB_TRANSACTION_ENDED' })
  })

  it('writes nothing where it is read only', async () => {
    const work = db.transaction((tx) => tx.investigations.save({ query: 'q' }), { access: 'read only' })
    expect(await rejectionOf(work)).toMatchObject({ code: 'DB_READ_ONLY' })
  })

  it('runs again after a deadlock, and both sides get through', async () => {
    await db.investigations.save({ id: 'left', query: 'q' })
    await db.investigations.save({ id: 'right', query: 'q' })
    const retries: DatabaseEvents['retry'][] = []
    onTestFinished(db.events.on('retry', (event) => retries.push(event)))
    const meet = barrier(2)
    const lockBoth = (first: string, second: string): Promise<unknown> =>
      db.transaction(async (tx) => {
        await tx.sql.query('SELECT 1 FROM investigations WHERE id = $1 FOR UPDATE', [first])
        await meet()
        await tx.sql.query('SELECT 1 FROM investigations WHERE id = $1 FOR UPDATE', [second])
      })
    await Promise.all([lockBoth('left', 'right'), lockBoth('right', 'left')])
    // The one that was rolled back may meet the other a second time.
    expect(new Set(retries.map(({ code }) => code))).toEqual(new Set(['DB_TRANSACTION_CONFLICT']))
  })
})

describe('a connection that breaks', () => {
  it('inside a transaction leaves nothing, and the work runs again', async () => {
    let runs = 0
    await db.transaction(async (tx) => {
      runs += 1
      await tx.investigations.save({ id: 'inv_broken', query: 'q' })
      if (runs === 1) await endBackend(tx.sql)
      await tx.sql.query('SELECT 1')
    })
    expect(runs).toBe(2)
    expect(await db.investigations.get('inv_broken')).toMatchObject({ version: 1 })
  })

  it('while committing is reported as unknown, and not repeated', async () => {
    const { through, cutCommit } = await openWithLostCommit()
    let runs = 0
    const work = through.transaction(async (tx) => {
      runs += 1
      await tx.investigations.save({ id: 'inv_unknown', query: 'q' })
      cutCommit()
    })
    expect(await rejectionOf(work)).toMatchObject({ code: 'DB_COMMIT_UNKNOWN', effect: 'unknown' })
    expect(runs).toBe(1)
  })

  it('while committing a save is repeated, and finds that it had taken effect: one version, one audit entry', async () => {
    const { direct, through, cutCommit } = await openWithLostCommit()
    cutCommit()
    const saved = await through.investigations.save(
      { id: 'inv_once', query: 'q', results: { b: 1, a: [null] } },
      { audit: entry('investigation.created', 'inv_once') },
    )
    expect(saved).toMatchObject({ version: 1, results: { a: [null], b: 1 } })
    expect(await auditActions(direct, 'inv_once')).toEqual(['investigation.created'])
    expect(through.stats().queries.failed).toBeGreaterThan(0)
  })
})

function barrier(parties: number): () => Promise<void> {
  let open: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  let arrived = 0
  return async () => {
    arrived += 1
    if (arrived >= parties) open()
    await opened
  }
}

async function endBackend(sql: Database['sql']): Promise<void> {
  const { rows } = await sql.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  await db.sql.query(
    'SELECT pg_terminate_backend($1)',
    rows.map(({ pid }) => pid),
  )
}
