import { TestClock } from '@cidadao/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  INVESTIGATION_STATUSES,
  isTransitionAllowed,
  type Database,
  type Investigation,
  type InvestigationDraft,
  type InvestigationStatus,
} from '../src/index.ts'
import { connectDirectly, openDatabase, openForTest, rejectionOf } from './fixtures/database-fixture.ts'

let db: Database
let url: string
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, url, close } = await openDatabase())
})
beforeEach(() => db.sql.query('DELETE FROM investigations'))
afterAll(() => close())

const QUERY = 'Analyze Ministry of Health contracts 2024'
const CREATED = new Date('2024-03-01T12:00:00.123Z')
const COMPLETED = new Date('2024-03-01T12:05:00.456Z')

/** What a status needs to be coherent. */
function inStatus(status: InvestigationStatus): Partial<InvestigationDraft> {
  return {
    status,
    completedAt: status === 'completed' ? new Date() : null,
    errorMessage: status === 'error' ? 'the source does not answer' : null,
  }
}

/** An investigation that was stored in that status. */
function stored(status: InvestigationStatus): Promise<Investigation> {
  return db.investigations.save({ query: QUERY, ...inStatus(status) })
}

describe('save and get', () => {
  it('returns the stored row with its defaults, a version and a UUID of version 7', async () => {
    const saved = await db.investigations.save({ query: QUERY })
    expect(saved).toMatchObject({ status: 'pending', userId: null, results: null, metadata: {}, version: 1, attempt: 1, anomaliesFound: 0 })
    expect(saved.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(await db.investigations.get(saved.id)).toEqual(saved)
  })

  it('gives every investigation its own metadata', async () => {
    const [one, other] = [await stored('pending'), await stored('pending')]
    expect(one.metadata).toEqual({})
    expect(one.metadata).not.toBe(other.metadata)
  })

  it('keeps every field exactly, the id of the original included', async () => {
    const draft: InvestigationDraft = {
      id: 'inv_001',
      userId: 'user_123',
      query: QUERY,
      status: 'completed',
      results: { anomalies: [{ value: '9222273688.82', share: 0.1 }], none: null },
      metadata: { priority: 'high', data_source: 'contracts' },
      createdAt: CREATED,
      completedAt: COMPLETED,
      confidenceScore: 0.875,
      anomaliesFound: 2 ** 40,
      processingTimeMs: 300_333,
    }
    const saved = await db.investigations.save(draft)
    expect(saved).toMatchObject(draft)
    expect(await db.investigations.get('inv_001')).toEqual(saved)
  })

  it('carries Portuguese text and emoji through query, results, metadata and error', async () => {
    const text = 'Análise de licitação: São João del-Rei, ação nº 42 – “coração” 🏛️👩‍👩‍👧 𝔸'
    const saved = await db.investigations.save({
      query: text,
      status: 'error',
      errorMessage: text,
      results: { [text]: text },
      metadata: { [text]: [text] },
    })
    expect(await db.investigations.get(saved.id)).toMatchObject({
      query: text,
      errorMessage: text,
      results: { [text]: text },
      metadata: { [text]: [text] },
    })
  })

  it.each([
    ['an empty object', {}],
    ['an empty list', []],
    ['none', null],
  ])('tells an empty result from no result: %s', async (_name, results) => {
    const saved = await db.investigations.save({ query: QUERY, results })
    expect((await db.investigations.get(saved.id))?.results).toEqual(results)
    const { rows } = await (await connectDirectly(url)).query<{ is_null: boolean }>('SELECT results IS NULL AS is_null FROM investigations')
    expect(rows).toEqual([{ is_null: results === null }])
  })

  it('updates metadata and everything else that may change, in the row as in the answer', async () => {
    const first = await db.investigations.save({ query: QUERY, metadata: { priority: 'low' } })
    const changed = await db.investigations.save({ ...first, status: 'processing', metadata: { priority: 'high' }, confidenceScore: 0.5 })
    expect(changed).toMatchObject({ version: 2, status: 'processing', metadata: { priority: 'high' }, confidenceScore: 0.5 })
    expect(await db.investigations.get(first.id)).toEqual(changed)
  })

  it('sets updatedAt itself on each write, and never back', async () => {
    const first = await db.investigations.save({ query: QUERY })
    const draft: InvestigationDraft & { updatedAt: Date } = { ...first, updatedAt: new Date(0) }
    const second = await db.investigations.save(draft)
    expect(second.updatedAt.getTime()).toBeGreaterThanOrEqual(first.updatedAt.getTime())
    await (await connectDirectly(url)).query("UPDATE investigations SET updated_at = '1999-01-01', version = 1")
    const third = await db.investigations.get(first.id)
    expect(third?.version).toBe(3)
    expect(third?.updatedAt.getTime()).toBeGreaterThanOrEqual(second.updatedAt.getTime())
  })

  it('takes the time of creation from the clock', async () => {
    const clock = new TestClock(CREATED)
    const { db: timed } = await openForTest({ clock })
    expect((await timed.investigations.save({ query: QUERY })).createdAt).toEqual(CREATED)
  })

  it('answers undefined for what is absent, and rejects when the database is away', async () => {
    expect(await db.investigations.get('inv_404')).toBeUndefined()
    const { db: stopped } = await openForTest()
    await stopped.stop()
    expect(await rejectionOf(stopped.investigations.get('inv_404'))).toMatchObject({ code: 'DB_CLOSED' })
  })
})

describe('conflicts', () => {
  it('lets one of two savers win and tells the other both versions', async () => {
    const read = await stored('pending')
    const outcomes = await Promise.allSettled([
      db.investigations.save({ ...read, metadata: { by: 'one' } }),
      db.investigations.save({ ...read, metadata: { by: 'other' } }),
    ])
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason as unknown)
    expect(lost).toHaveLength(1)
    expect(lost[0]).toMatchObject({ code: 'DB_VERSION_CONFLICT', expectedVersion: 1, storedVersion: 2 })
    expect((await db.investigations.get(read.id))?.version).toBe(2)
  })

  it('refuses an older snapshot, and a new investigation under an id that is taken', async () => {
    const read = await stored('pending')
    await db.investigations.save({ ...read, status: 'processing' })
    expect(await rejectionOf(db.investigations.save(read))).toMatchObject({
      code: 'DB_VERSION_CONFLICT',
      expectedVersion: 1,
      storedVersion: 2,
    })
    expect(await rejectionOf(db.investigations.save({ id: read.id, query: QUERY }))).toMatchObject({
      code: 'DB_VERSION_CONFLICT',
      expectedVersion: 0,
    })
  })

  it('does not bring back an investigation that was erased', async () => {
    const read = await stored('pending')
    await (await connectDirectly(url)).query('DELETE FROM investigations')
    expect(await rejectionOf(db.investigations.save(read))).toMatchObject({ code: 'DB_VERSION_CONFLICT', storedVersion: null })
    expect(await db.investigations.get(read.id)).toBeUndefined()
  })

  it.each([
    ['query', { query: 'another question' }],
    ['user_id', { userId: 'somebody else' }],
    ['created_at', { createdAt: CREATED }],
  ])('refuses a change of %s, by code and by SQL', async (column, change) => {
    const read = await stored('pending')
    expect(await rejectionOf(db.investigations.save({ ...read, ...change }))).toMatchObject({
      code: 'DB_IMMUTABLE_FIELD',
      facts: { field: column },
    })
    const direct = db.sql.query(`UPDATE investigations SET ${column} = $1`, [Object.values(change)[0]])
    expect(await rejectionOf(direct)).toMatchObject({ code: 'DB_IMMUTABLE_FIELD', facts: { field: column } })
    expect(await db.investigations.get(read.id)).toEqual(read)
  })
})

describe('status', () => {
  const pairs = INVESTIGATION_STATUSES.flatMap((from) => INVESTIGATION_STATUSES.map((to) => ({ from, to })))

  it.each(pairs)('goes from $from to $to only where the table says so, by code and by SQL alike', async ({ from, to }) => {
    const allowed = isTransitionAllowed({ from, to, attemptsAdded: 0 })
    const [first, second] = [await stored(from), await stored(from)]
    const { completedAt, errorMessage } = inStatus(to)
    const byCode = (): Promise<unknown> => db.investigations.save({ ...first, ...inStatus(to) })
    const bySql = (): Promise<unknown> =>
      db.sql.query('UPDATE investigations SET status = $2, completed_at = $3, error_message = $4 WHERE id = $1', [
        second.id,
        to,
        completedAt,
        errorMessage,
      ])
    if (allowed) {
      expect(await byCode()).toMatchObject({ status: to, version: 2 })
      expect(await bySql()).toMatchObject({ rowCount: 1 })
    } else {
      expect(await rejectionOf(byCode())).toMatchObject({ code: 'DB_ILLEGAL_TRANSITION', facts: { from, to } })
      expect(await rejectionOf(bySql())).toMatchObject({ code: 'DB_ILLEGAL_TRANSITION', facts: { from, to } })
    }
  })

  it.each(pairs)('has the same rule for a new attempt from $from to $to in code and in the database', async ({ from, to }) => {
    for (const attemptsAdded of [-1, 0, 1, 2]) {
      const { rows } = await db.sql.query('SELECT investigation_transition_allowed($1, $2, $3) AS allowed', [from, to, attemptsAdded])
      expect(rows).toEqual([{ allowed: isTransitionAllowed({ from, to, attemptsAdded }) }])
    }
  })

  it('tries again after an error as a new attempt', async () => {
    const failed = await stored('error')
    const again = await db.investigations.save({ ...failed, ...inStatus('pending'), attempt: 2 })
    expect(again).toMatchObject({ status: 'pending', attempt: 2, errorMessage: null })
    expect(await rejectionOf(db.investigations.save({ ...again, attempt: 3 }))).toMatchObject({ code: 'DB_ILLEGAL_TRANSITION' })
  })

  it.each([
    ["status = 'banana'", 'investigations_status_check'],
    ["confidence_score = 'NaN'", 'investigations_confidence_score_check'],
    ["confidence_score = 'Infinity'", 'investigations_confidence_score_check'],
    ['confidence_score = -0.01', 'investigations_confidence_score_check'],
    ['anomalies_found = -1', 'investigations_anomalies_found_check'],
    ['processing_time_ms = -1', 'investigations_processing_time_ms_check'],
    ["results = 'null'", 'investigations_results_check'],
    ["metadata = '[]'", 'investigations_metadata_check'],
    ["status = 'error'", 'investigations_error_message_check'],
    ["status = 'cancelled', completed_at = created_at - interval '1 ms'", 'investigations_completed_after_created_check'],
    ['completed_at = created_at', 'investigations_completed_at_check'],
  ])('is refused by the database itself: %s', async (assignment, constraint) => {
    await stored('pending')
    // An unknown status is no state of the machine either, so the trigger is put aside to see the constraint.
    const error = await rejectionOf(
      db.transaction(async (tx) => {
        await tx.sql.query('ALTER TABLE investigations DISABLE TRIGGER investigations_guard')
        await tx.sql.query(`UPDATE investigations SET ${assignment}`)
      }),
    )
    expect(error).toMatchObject({ code: 'DB_CONSTRAINT', facts: { constraint } })
  })

  it('fills defaults on the server too', async () => {
    await db.sql.query("INSERT INTO investigations (id, query) VALUES ('inv_sql', 'q')")
    expect(await db.investigations.get('inv_sql')).toMatchObject({
      status: 'pending',
      metadata: {},
      anomaliesFound: 0,
      processingTimeMs: 0,
      version: 1,
      attempt: 1,
    })
  })
})

describe('find', () => {
  beforeEach(async () => {
    for (let index = 0; index < 7; index += 1) {
      // Two at each instant, so that the id decides as well.
      const createdAt = new Date(CREATED.getTime() + Math.floor(index / 2) * 1_000)
      await db.investigations.save({
        id: `inv_${index}`,
        query: QUERY,
        createdAt,
        userId: index % 2 === 0 ? 'ana' : null,
        confidenceScore: index / 10,
      })
    }
  })

  it('pages newest first, each investigation once', async () => {
    const seen: string[] = []
    let after: string | null = null
    do {
      const page = await db.investigations.find({ limit: 3, ...(after === null ? {} : { after }) })
      seen.push(...page.items.map(({ id }) => id))
      after = page.next
    } while (after !== null)
    expect(seen).toEqual(['inv_6', 'inv_5', 'inv_4', 'inv_3', 'inv_2', 'inv_1', 'inv_0'])
  })

  it('is not disturbed by what is added between two pages', async () => {
    const first = await db.investigations.find({ limit: 3 })
    await db.investigations.save({ id: 'inv_new', query: QUERY })
    const second = await db.investigations.find({ limit: 10, after: first.next ?? '' })
    expect(second.items.map(({ id }) => id)).toEqual(['inv_3', 'inv_2', 'inv_1', 'inv_0'])
    expect(second.next).toBeNull()
  })

  it.each([
    ['an owner', { owner: 'ana' }, ['inv_6', 'inv_4', 'inv_2', 'inv_0']],
    ['nobody in particular', { owner: null }, ['inv_5', 'inv_3', 'inv_1']],
    [
      'a range of time',
      { createdFrom: new Date(CREATED.getTime() + 1_000), createdTo: new Date(CREATED.getTime() + 2_000) },
      ['inv_3', 'inv_2'],
    ],
    ['a lowest confidence', { minConfidence: 0.5 }, ['inv_6', 'inv_5']],
    ['a status that none has', { status: 'completed' as const }, []],
    ['several statuses and an owner', { status: ['pending', 'error'] as const, owner: 'ana', limit: 2 }, ['inv_6', 'inv_4']],
  ])('finds those of %s', async (_name, options, ids) => {
    expect((await db.investigations.find(options)).items.map(({ id }) => id)).toEqual(ids)
  })

  it('refuses a cursor and a page size that cannot be', async () => {
    expect(await rejectionOf(db.investigations.find({ after: 'bm9uc2Vuc2U' }))).toMatchObject({ code: 'DB_INVALID_CURSOR' })
    expect(await rejectionOf(db.investigations.find({ limit: 0 }))).toMatchObject({ facts: { field: 'limit' } })
  })
})

describe('ownership', () => {
  it('shows an investigation to its owner only, and an anonymous one to the anonymous', async () => {
    await db.investigations.save({ id: 'owned', userId: 'ana', query: QUERY })
    await db.investigations.save({ id: 'anonymous', query: QUERY })
    expect(await db.investigations.get('owned', { owner: 'ana' })).toBeDefined()
    expect(await db.investigations.get('owned', { owner: 'bia' })).toBeUndefined()
    expect(await db.investigations.get('owned', { owner: null })).toBeUndefined()
    expect(await db.investigations.get('anonymous', { owner: null })).toBeDefined()
    expect(await db.investigations.get('anonymous', { owner: 'ana' })).toBeUndefined()
    expect(await db.investigations.get('owned')).toBeDefined()
  })

  it('does not read everything when the login was forgotten', async () => {
    const forgotten = { owner: undefined } as unknown as { owner: string }
    expect(await rejectionOf(db.investigations.get('owned', forgotten))).toMatchObject({ facts: { field: 'owner' } })
    expect(await rejectionOf(db.investigations.find(forgotten))).toMatchObject({ facts: { field: 'owner' } })
  })
})

describe('cancel', () => {
  it('ends what has not ended, once, whatever its version', async () => {
    const { id } = await stored('processing')
    const cancelled = await db.investigations.cancel(id, { reason: 'no longer needed' })
    expect(cancelled).toMatchObject({ status: 'cancelled', errorMessage: 'no longer needed', version: 2 })
    expect(cancelled.completedAt).not.toBeNull()
    expect(await db.investigations.cancel(id)).toEqual(cancelled)
  })

  it('refuses what has completed, and hides what belongs to others', async () => {
    const { id } = await stored('completed')
    expect(await rejectionOf(db.investigations.cancel(id))).toMatchObject({ code: 'DB_ILLEGAL_TRANSITION' })
    expect(await rejectionOf(db.investigations.cancel(id, { owner: 'ana' }))).toMatchObject({ code: 'DB_INVESTIGATION_NOT_FOUND' })
  })
})
