import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEntries } from '../src/audit/audit-statements.ts'
import type { Database, SqlExecutor, SqlStatement } from '../src/index.ts'
import { AUDIT_ORIGIN, openDatabase } from './fixtures/database-fixture.ts'

const ENTRIES = 6_000

let db: Database
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
  // The planner knows nothing of this table yet, as after a restore.
  await db.sql.query('ALTER TABLE audit_logs SET (autovacuum_enabled = off)')
  await db.sql.query(
    `SELECT count(*) FROM audit_append(ARRAY(SELECT format(
       '{"action":"log.test","agent":"system","data":{},"id":"%s","investigation":null,"log":"%s","ts":"2024-01-31T12:00:00.000000Z","v":1}',
       gen_random_uuid(), $1::text) FROM generate_series(1, $2::integer)))`,
    [AUDIT_ORIGIN, ENTRIES],
  )
})
afterAll(() => close())

/** Runs statements, and keeps how many rows the server touched for each. */
function counting(touched: number[]): SqlExecutor {
  return {
    query: async (query, values) => {
      const { text, values: own } = query as SqlStatement
      const plan = await db.sql.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ${text}`, values: own })
      const counts = plan.rows.flatMap((row) => [...row['QUERY PLAN'].matchAll(/rows=([\d.]+)/g)].map((match) => Number(match[1])))
      touched.push(Math.max(...counts))
      return db.sql.query(query, values)
    },
  }
}

describe('reading the log in batches', () => {
  it('touches the entries of the batch and no others, also where the statistics are old', async () => {
    const touched: number[] = []
    for (let after = 0; after < 5_000; after += 500) {
      const rows = await readEntries(counting(touched), after, ENTRIES, 500)
      expect(rows.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 500 }, (_, n) => after + n + 1))
    }
    expect(Math.max(...touched)).toBe(500)
  })

  it('shows what stands behind a gap that is larger than a batch', async () => {
    const beyond = ENTRIES + 5_000
    const hash = (n: number): string => n.toString(16).padStart(64, '0')
    await db.sql.query(`INSERT INTO audit_logs (seq, payload, leaf_hash, prev_hash, hash_chain) VALUES ($1, $2, $3, $4, $5)`, [
      beyond,
      `{"action":"log.test","agent":"system","data":{},"id":"${randomUUID()}","investigation":null,"log":"${AUDIT_ORIGIN}","ts":"2024-01-31T12:00:00.000000Z","v":1}`,
      hash(1),
      hash(2),
      hash(3),
    ])
    const rows = await readEntries(db.sql, ENTRIES + 1, beyond, 500)
    expect(rows.map(({ seq }) => Number(seq))).toEqual([beyond])
    expect(await db.audit.verify(db.sql)).toMatchObject({ ok: false, kind: 'gap', firstBadSeq: ENTRIES + 2 })
  })
})
