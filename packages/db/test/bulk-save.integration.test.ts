import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  BulkRefusedError,
  type AuditEntry,
  type Database,
  type InvestigationDraft,
  type SavedRow,
  type SaveManyReport,
} from '../src/index.ts'
import { connectDirectly, openDatabase, openForTest, rejectionOf } from './fixtures/database-fixture.ts'
import { openWithLostCommit } from './fixtures/lost-commit.ts'

let db: Database
let url: string
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, url, close } = await openDatabase())
})
beforeEach(() => db.sql.query('DELETE FROM investigations'))
afterAll(() => close())

const QUERY = 'Contratos de 2024 em São João del-Rei'

function drafts(count: number, change: Partial<InvestigationDraft> = {}): InvestigationDraft[] {
  return Array.from({ length: count }, (_, index) => ({ id: `inv_${String(index).padStart(6, '0')}`, query: QUERY, ...change }))
}

/** One word a draft: its outcome, or the code of its error. */
function wordsOf({ outcomes }: SaveManyReport): readonly string[] {
  return outcomes.map((outcome) => (outcome.outcome === 'saved' ? 'saved' : `${outcome.outcome} ${outcome.error.code}`))
}

function rowsOf({ outcomes }: SaveManyReport): readonly SavedRow[] {
  return outcomes.flatMap((outcome) => (outcome.outcome === 'saved' ? [outcome.row] : []))
}

async function countStored(database: Database = db): Promise<number> {
  const { rows } = await database.sql.query<{ count: string }>('SELECT count(*) FROM investigations')
  return Number(rows[0]?.count)
}

function entryOf({ id }: Pick<SavedRow, 'id'>): AuditEntry {
  return { actor: { kind: 'system' }, action: 'investigation.imported', investigation: id }
}

async function auditedIds(database: Database): Promise<readonly unknown[]> {
  const { rows } = await database.sql.query("SELECT investigation_id AS id FROM audit_logs WHERE action = 'investigation.imported'")
  return rows
}

describe('saveMany', () => {
  it('stores many with one outcome for each, in the order given, every field as save would', async () => {
    const created = new Date('2024-03-01T12:00:00.123Z')
    const full: InvestigationDraft = {
      id: 'b',
      userId: 'ana',
      query: 'Ação nº 42 – “coração” 🏛️ \\ \t "q"',
      status: 'completed',
      results: { list: [{ value: '9222273688.82', none: null }], empty: [] },
      metadata: { 'ção "x"': ['\n'] },
      createdAt: created,
      completedAt: new Date('2024-03-01T12:05:00.456Z'),
      confidenceScore: 0.1,
      anomaliesFound: 2 ** 40,
      processingTimeMs: 300_333,
    }
    const report = await db.investigations.saveMany([{ query: QUERY }, full, { id: 'a', query: QUERY, results: [] }])
    expect(report.counts).toEqual({ saved: 3, refused: 0, failed: 0 })
    expect(rowsOf(report).map(({ id }) => id)).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), 'b', 'a'])
    const stored = await db.investigations.get('b')
    expect(stored).toMatchObject(full)
    expect(rowsOf(report)[1]).toEqual({
      id: 'b',
      version: 1,
      status: 'completed',
      attempt: 1,
      createdAt: created,
      updatedAt: stored?.updatedAt,
    })
    expect(await db.investigations.get('a')).toMatchObject({ results: [], metadata: {}, errorMessage: null })
  })

  it('updates stored rows and inserts new ones in one call, and says of each which version it has now', async () => {
    const first = await db.investigations.saveMany(drafts(3))
    const begun = drafts(5, { status: 'processing' }).map((draft, index) => ({ ...draft, version: index < 3 ? 1 : 0 }))
    const report = await db.investigations.saveMany(begun)
    expect(rowsOf(report).map(({ version }) => version)).toEqual([2, 2, 2, 1, 1])
    expect(rowsOf(report)[0]?.createdAt).toEqual(rowsOf(first)[0]?.createdAt)
    expect(await db.investigations.stats()).toMatchObject({ total: 5, byStatus: { processing: 5 } })
  })

  it('says of each refused draft what save would say, and stores the others', async () => {
    const kept = await db.investigations.save({ id: 'kept', userId: 'ana', query: QUERY, status: 'completed', completedAt: new Date() })
    await db.investigations.save({ id: 'moved', query: QUERY })
    const report = await db.investigations.saveMany([
      { id: 'good', query: QUERY },
      { id: 'x'.repeat(51), query: QUERY },
      { id: 'kept', query: QUERY },
      { ...kept, query: 'another question' },
      { ...kept, status: 'pending', completedAt: null },
      { id: 'moved', query: QUERY, version: 7 },
      { id: 'erased', query: QUERY, version: 1 },
      null as unknown as InvestigationDraft,
      { query: QUERY },
    ])
    expect(wordsOf(report)).toEqual([
      'saved',
      'refused DB_INVALID_INVESTIGATION',
      // The id stands in the list three times.
      'refused DB_DUPLICATE_ID',
      'refused DB_DUPLICATE_ID',
      'refused DB_DUPLICATE_ID',
      'refused DB_VERSION_CONFLICT',
      'refused DB_VERSION_CONFLICT',
      'refused DB_INVALID_INVESTIGATION',
      'saved',
    ])
    expect(report.counts).toEqual({ saved: 2, refused: 7, failed: 0 })
    const changed = await db.investigations.saveMany([{ ...kept, query: 'another question' }])
    expect(wordsOf(changed)).toEqual(['refused DB_IMMUTABLE_FIELD'])
    const reopened = await db.investigations.saveMany([{ ...kept, status: 'pending', completedAt: null }])
    expect(wordsOf(reopened)).toEqual(['refused DB_ILLEGAL_TRANSITION'])
    expect(await db.investigations.get('kept')).toEqual(kept)
  })

  it('refuses every draft of an id that is given twice, and says where they stand', async () => {
    const twice = [{ id: 'a', query: QUERY }, ...drafts(2), { id: 'a', query: QUERY }]
    const { outcomes } = await db.investigations.saveMany(twice)
    expect(outcomes[0]).toMatchObject({ outcome: 'refused', error: { code: 'DB_DUPLICATE_ID', indexes: [0, 3] } })
    expect(outcomes[3]).toEqual(outcomes[0])
    expect(await countStored()).toBe(2)
    expect(await rejectionOf(db.investigations.saveMany(twice, { atomic: true }))).toMatchObject({ code: 'DB_BULK_REFUSED' })
  })

  it('finds the one row that only the database can refuse, and stores the rest of its chunk', async () => {
    await db.investigations.saveMany(drafts(50))
    // Without a time of creation the draft cannot be seen to end before it began.
    const ended = drafts(50, { version: 1, status: 'cancelled' })
    const spoiled = ended.map((draft, index) => (index === 33 ? { ...draft, completedAt: new Date(0) } : draft))
    const report = await db.investigations.saveMany(spoiled)
    expect(report.counts).toEqual({ saved: 49, refused: 1, failed: 0 })
    expect(report.outcomes[33]).toMatchObject({ error: { code: 'DB_CONSTRAINT' } })
    expect(await db.investigations.stats()).toMatchObject({ byStatus: { cancelled: 49, pending: 1 } })
  })

  it('tells of every saved row after its commit, and of its change of status', async () => {
    const told: string[] = []
    const offs = [
      db.events.on('saved', ({ investigationId, version }) => told.push(`${investigationId} ${version}`)),
      db.events.on('transition', ({ investigationId, from, to }) => told.push(`${investigationId} ${String(from)}>${to}`)),
    ]
    await db.investigations.saveMany([{ id: 'a', query: QUERY }])
    await db.investigations.saveMany([
      { id: 'a', query: QUERY, version: 1, status: 'processing' },
      { id: 'a2', query: '' },
    ])
    offs.forEach((off) => off())
    expect(told).toEqual(['a 1', 'a null>pending', 'a 2', 'a pending>processing'])
  })

  it('appends the audit entries of each chunk in its transaction, and none for what was refused', async () => {
    const { db: audited } = await openForTest()
    await audited.investigations.save({ id: 'inv_000001', query: QUERY })
    const report = await audited.investigations.saveMany(drafts(3), { audit: entryOf })
    expect(wordsOf(report)).toEqual(['saved', 'refused DB_VERSION_CONFLICT', 'saved'])
    expect(await auditedIds(audited)).toEqual([{ id: 'inv_000000' }, { id: 'inv_000002' }])
    expect(await audited.audit.verify(audited.sql)).toMatchObject({ ok: true })
  })

  it('refuses the row whose audit entry is refused, and no other', async () => {
    const { db: audited } = await openForTest()
    const report = await audited.investigations.saveMany(drafts(20), {
      audit: (row) => ({ ...entryOf(row), action: row.id === 'inv_000013' ? 'No Action' : 'investigation.imported' }),
    })
    expect(report.counts).toEqual({ saved: 19, refused: 1, failed: 0 })
    expect(report.outcomes[13]).toMatchObject({ error: { code: 'DB_AUDIT_ENTRY_INVALID' } })
    expect(await countStored(audited)).toBe(19)
    expect(await auditedIds(audited)).toHaveLength(19)
  })

  it('commits one invalidation of the cache for each chunk where a cache is named', async () => {
    const { db: cached } = await openForTest({ investigationCache: 'investigation_results' })
    await cached.investigations.saveMany(drafts(1_500))
    await cached.investigations.save({ id: 'single', query: QUERY })
    const { rows } = await cached.sql.query('SELECT namespace, cardinality(names) AS keys FROM cache_outbox ORDER BY id')
    expect(rows.map((row) => JSON.stringify(row)).sort()).toEqual(
      [1_000, 500, 1].map((keys) => JSON.stringify({ namespace: 'investigation_results', keys })).sort(),
    )
  })

  it('rejects with what a callback throws', async () => {
    const bug = new Error('a bug of the caller')
    const onProgress = (): never => {
      throw bug
    }
    expect(await rejectionOf(db.investigations.saveMany(drafts(3), { onProgress }))).toBe(bug)
  })

  it.each([
    [{ connections: 0 }, 'connections'],
    [{ connections: 9 }, 'connections'],
    [{ audit: [entryOf({ id: 'a' })] }, 'audit'],
  ])('refuses the options %o', async (options, field) => {
    expect(await rejectionOf(db.investigations.saveMany(drafts(1), options))).toMatchObject({
      code: 'DB_INVALID_OPTIONS',
      facts: { field },
    })
  })

  it('has nothing to do with an empty list', async () => {
    expect(await db.investigations.saveMany([])).toEqual({ outcomes: [], counts: { saved: 0, refused: 0, failed: 0 } })
    expect(await db.investigations.saveMany([], { atomic: true })).toMatchObject({ outcomes: [] })
  })
})

describe('an atomic saveMany', () => {
  it('stores all rows and one audit entry in one transaction', async () => {
    const { db: audited } = await openForTest()
    const begins: string[] = []
    audited.events.on('query', ({ operation }) => begins.push(operation))
    const report = await audited.investigations.saveMany(drafts(2_500), { atomic: true, audit: entryOf({ id: 'batch' }) })
    expect(report.counts).toEqual({ saved: 2_500, refused: 0, failed: 0 })
    expect(begins.filter((operation) => operation === 'begin')).toHaveLength(1)
    expect(begins.filter((operation) => operation === 'investigations.insert-many')).toHaveLength(3)
    expect(await auditedIds(audited)).toEqual([{ id: 'batch' }])
  })

  it('finds invalid rows before anything is sent, and names the first of them', async () => {
    const sent: string[] = []
    const off = db.events.on('query', ({ operation }) => sent.push(operation))
    const wrong = drafts(30).map((draft, index) => (index % 2 === 1 ? { ...draft, confidenceScore: Number.NaN } : draft))
    const error = await rejectionOf(db.investigations.saveMany(wrong, { atomic: true }))
    off()
    expect(sent).toEqual([])
    if (!(error instanceof BulkRefusedError)) throw error
    expect(error.refusals.map(({ index }) => index)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
    expect(error.message).toContain('row 1: confidenceScore must be a number from 0 to 1')
  })

  it('stores nothing where the store refuses one row of many, and says which', async () => {
    await db.investigations.save({ id: 'inv_001700', query: QUERY })
    const told: unknown[] = []
    const off = db.events.on('saved', (event) => told.push(event))
    const error = await rejectionOf(db.investigations.saveMany(drafts(2_000), { atomic: true, audit: entryOf({ id: 'batch' }) }))
    off()
    expect(error).toMatchObject({ refusals: [{ index: 1_700, error: { code: 'DB_VERSION_CONFLICT' } }] })
    expect(await countStored()).toBe(1)
    expect(told).toEqual([])
    expect(await auditedIds(db)).toEqual([])
  })

  it('stores nothing when it is aborted half-way, and rejects with the reason', async () => {
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    const saving = db.investigations.saveMany(drafts(3_000), {
      atomic: true,
      signal: controller.signal,
      onProgress: ({ saved }) => saved >= 2_000 && controller.abort(reason),
    })
    expect(await rejectionOf(saving)).toBe(reason)
    expect(await countStored()).toBe(0)
  })
})

describe('a large batch', () => {
  it('uses no more connections than it was given, each for one chunk after the other', async () => {
    let [inUse, most, statements] = [0, 0, 0]
    const offs = [
      db.events.on('acquire', () => (most = Math.max(most, (inUse += 1)))),
      db.events.on('release', () => (inUse -= 1)),
      db.events.on('query', ({ operation }) => (statements += operation === 'investigations.insert-many' ? 1 : 0)),
    ]
    await db.investigations.saveMany(drafts(7_001), { connections: 2 })
    offs.forEach((off) => off())
    expect({ most, statements }).toEqual({ most: 2, statements: 8 })
    expect(await countStored()).toBe(7_001)
  })

  it('cuts by bytes as well as by rows: large rows go few at a time, and one that is larger goes alone', async () => {
    let statements = 0
    const off = db.events.on('query', ({ operation }) => (statements += operation === 'investigations.insert-many' ? 1 : 0))
    const megabyte = { text: 'x'.repeat(2 ** 20) }
    const large = drafts(8, { results: megabyte })
    await db.investigations.saveMany([...large, { id: 'larger', query: QUERY, results: { text: 'y'.repeat(6 * 2 ** 20) } }])
    off()
    // Three of a megabyte and a bit fit into 4 MiB: 3 + 3 + 2, and the larger one.
    expect(statements).toBe(4)
    expect(await countStored()).toBe(9)
  })

  it('of 100,000 rows is stored with progress told after each chunk', async () => {
    const seen: number[] = []
    const report = await db.investigations.saveMany(drafts(100_000), {
      onProgress: ({ saved, total }) => {
        expect(total).toBe(100_000)
        seen.push(saved)
      },
    })
    expect(report.counts).toEqual({ saved: 100_000, refused: 0, failed: 0 })
    expect(seen).toHaveLength(100)
    expect(seen.at(-1)).toBe(100_000)
    expect(seen).toEqual(seen.toSorted((one, other) => one - other))
    expect(await countStored()).toBe(100_000)
  }, 120_000)

  it('that is aborted keeps what was stored, and says of the rest that it was not sent', async () => {
    const controller = new AbortController()
    const report = await db.investigations.saveMany(drafts(20_000), {
      connections: 1,
      signal: controller.signal,
      onProgress: ({ saved }) => saved >= 3_000 && controller.abort(new Error('no longer wanted')),
    })
    expect(report.counts).toEqual({ saved: 3_000, refused: 0, failed: 17_000 })
    expect(report.outcomes.at(-1)).toMatchObject({ error: { code: 'DB_BULK_STOPPED', cause: { message: 'no longer wanted' } } })
    expect(await countStored()).toBe(3_000)
  })

  it('says of each row that the database failed, and sends no more once it has', async () => {
    const { db: stopped } = await openForTest()
    await stopped.stop()
    const report = await stopped.investigations.saveMany(drafts(2_500), { connections: 1 })
    expect(report.counts).toEqual({ saved: 0, refused: 0, failed: 2_500 })
    expect(wordsOf(report)[0]).toBe('failed DB_CLOSED')
    expect(wordsOf(report)[2_499]).toBe('failed DB_BULK_STOPPED')
    expect(await rejectionOf(stopped.investigations.saveMany(drafts(5), { atomic: true }))).toMatchObject({ code: 'DB_CLOSED' })
  })
})

describe('side by side', () => {
  it('two calls over the same rows in opposite order never wait for each other in a circle: each row is won once', async () => {
    const retries: unknown[] = []
    const off = db.events.on('retry', (event) => retries.push(event))
    for (let round = 1; round <= 8; round += 1) {
      await db.investigations.saveMany(drafts(300), { atomic: true })
      const next = drafts(300, { version: 1, status: 'processing' })
      const reports = await Promise.all([
        db.investigations.saveMany(next),
        db.investigations.saveMany(next.toReversed()),
        db.investigations.saveMany(drafts(300).toReversed()),
      ])
      expect(reports.reduce((sum, { counts }) => sum + counts.saved, 0)).toBe(300)
      await db.sql.query('DELETE FROM investigations')
      await Promise.all([db.investigations.saveMany(drafts(300)), db.investigations.saveMany(drafts(300).toReversed())])
      expect(await countStored()).toBe(300)
      await db.sql.query('DELETE FROM investigations')
    }
    off()
    expect(retries).toEqual([])
  })

  it('a save that waits while its row is erased does not bring it back', async () => {
    const [read] = rowsOf(await db.investigations.saveMany(drafts(1)))
    const other = await connectDirectly(url)
    await other.query('BEGIN')
    await other.query('DELETE FROM investigations')
    const waiting = db.investigations.saveMany([{ ...read, query: QUERY, metadata: { late: true } }])
    const single = rejectionOf(db.investigations.save({ id: read?.id ?? '', version: 1, query: QUERY }))
    await expect.poll(waiters).toBe(2)
    await other.query('COMMIT')
    expect(wordsOf(await waiting)).toEqual(['refused DB_VERSION_CONFLICT'])
    expect(await single).toMatchObject({ code: 'DB_VERSION_CONFLICT', storedVersion: null })
    expect(await countStored()).toBe(0)
  })
})

async function waiters(): Promise<number> {
  const { rows } = await db.sql.query<{ count: string }>(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  )
  return Number(rows[0]?.count)
}

describe('within a transaction of the caller', () => {
  it('a refused row spoils nothing, and all of it goes when the transaction does', async () => {
    await db.investigations.saveMany(drafts(3))
    const ended = drafts(3, { version: 1, status: 'cancelled' }).map((draft, index) =>
      index === 1 ? { ...draft, completedAt: new Date(0) } : draft,
    )
    await db.transaction(async (tx) => {
      const report = await tx.investigations.saveMany(ended)
      expect(wordsOf(report)).toEqual(['saved', 'refused DB_CONSTRAINT', 'saved'])
      await tx.investigations.save({ id: 'after', query: QUERY })
    })
    expect(await db.investigations.stats()).toMatchObject({ total: 4, byStatus: { cancelled: 2 } })
    const undone = db.transaction(async (tx) => {
      await tx.investigations.saveMany([{ id: 'never', query: QUERY }])
      throw new Error('changed my mind')
    })
    expect(await rejectionOf(undone)).toMatchObject({ message: 'changed my mind' })
    expect(await db.investigations.get('never')).toBeUndefined()
  })

  it('an atomic one that is refused leaves nothing, though the transaction goes on and commits', async () => {
    await db.investigations.save({ id: 'inv_001500', query: QUERY })
    const told: string[] = []
    const off = db.events.on('saved', ({ investigationId }) => told.push(investigationId))
    await db.transaction(async (tx) => {
      const refused = tx.investigations.saveMany(drafts(2_000), { atomic: true, audit: entryOf })
      expect(await rejectionOf(refused)).toMatchObject({ code: 'DB_BULK_REFUSED' })
      await tx.investigations.save({ id: 'after', query: QUERY })
    })
    off()
    expect(await countStored()).toBe(2)
    expect(told).toEqual(['after'])
    expect(await auditedIds(db)).toEqual([])
  })
})

describe('a commit whose answer is lost', () => {
  it.each([{ atomic: false }, { atomic: true }])(
    'is not repeated for what it did: one version, one entry each (%o)',
    async ({ atomic }) => {
      const { direct, through, cutCommit } = await openWithLostCommit()
      cutCommit()
      const audit = atomic ? entryOf({ id: 'batch' }) : entryOf
      const report = await through.investigations.saveMany(drafts(3, { results: { b: 1, a: [null] } }), { atomic, audit })
      expect(rowsOf(report).map(({ version }) => version)).toEqual([1, 1, 1])
      expect(await countStored(direct)).toBe(3)
      expect(await auditedIds(direct)).toHaveLength(atomic ? 1 : 3)
      expect(through.stats().queries.failed).toBeGreaterThan(0)
    },
  )
})
