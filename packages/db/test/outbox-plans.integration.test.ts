import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, type SqlExecutor } from '../src/index.ts'
import { look, readBatch, type OutboxPosition } from '../src/outbox/outbox-position.ts'
import { openDatabase } from './fixtures/database-fixture.ts'

let db: Database
let close: () => Promise<void>

const SNAPSHOTS = `
SELECT delivered::text, pg_current_snapshot()::text AS target, pg_snapshot_xmin(delivered)::text AS "cursorXid", '0' AS "cursorId", false AS foreign
FROM cache_outbox_position`

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
  await db.sql.query('ALTER TABLE cache_outbox SET (autovacuum_enabled = false)')
  await db.sql.query("INSERT INTO cache_outbox (namespace, target, names) SELECT 'n', 'keys', ARRAY['k'] FROM generate_series(1, 50000)")
  await db.sql.query('UPDATE cache_outbox_position SET delivered = pg_current_snapshot()')
  await db.invalidate({ namespace: 'n', keys: ['new'] })
})
afterAll(() => close())

/** The plan of what `work` asks, and what it found. */
async function planOf<T>(work: (sql: SqlExecutor) => Promise<T>): Promise<{ readonly plan: string; readonly found: T }> {
  let plan = ''
  const explaining: SqlExecutor = {
    query: async (query, values) => {
      const { text, values: own = values } = typeof query === 'string' ? { text: query } : query
      plan = JSON.stringify((await db.sql.query(`EXPLAIN (FORMAT JSON) ${text}`, own)).rows)
      return db.sql.query(query, values)
    },
  }
  const found = await work(explaining)
  return { plan, found }
}

describe.each(['without', 'with'])('a look at an outbox of 50,000 delivered rows, %s statistics', (statistics) => {
  beforeAll(async () => {
    if (statistics === 'with') await db.sql.query('ANALYZE cache_outbox')
  })

  it('reads what waits by index', async () => {
    const { plan, found } = await planOf(look)
    expect(found).toMatchObject({ messages: 1 })
    expect(plan).toContain('cache_outbox_xid_idx')
    expect(plan).not.toMatch(/Seq Scan[^{}]*"Relation Name":"cache_outbox"/)
  })

  it('reads the next batch by index', async () => {
    const { rows } = await db.sql.query<OutboxPosition>(SNAPSHOTS)
    const [position] = rows as [OutboxPosition]
    const { plan, found } = await planOf((sql) => readBatch(sql, position, 500))
    expect(found.map(({ names }) => names)).toEqual([['new']])
    expect(plan).toContain('cache_outbox_xid_idx')
  })
})
