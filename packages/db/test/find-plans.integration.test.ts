import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../src/index.ts'
import { EXPIRED } from '../src/investigations/erasure/retention.ts'
import { findQuery } from '../src/investigations/queries/find-query.ts'
import { openDatabase } from './fixtures/database-fixture.ts'

let db: Database
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
  await db.sql.query(`
    INSERT INTO investigations (id, user_id, query, status, completed_at, created_at, confidence_score)
    SELECT 'inv_' || n, 'user_' || n % 20, 'q', CASE WHEN n % 3 = 0 THEN 'pending' ELSE 'completed' END,
      CASE WHEN n % 3 = 0 THEN NULL ELSE now() END, now() - n * interval '1 minute', n % 100 / 100.0
    FROM generate_series(1, 20000) AS n`)
  await db.sql.query('ANALYZE investigations')
})
afterAll(() => close())

describe('find on 20,000 investigations of 20 owners', () => {
  it.each([
    ['everything', {}, 'investigations_created_idx'],
    ["one owner's", { owner: 'user_7' }, 'investigations_owner_created_idx'],
    ["one owner's by status", { owner: 'user_7', status: 'pending' }, 'investigations_owner_status_created_idx'],
    ['by status', { status: 'pending' }, 'investigations_status_created_idx'],
    ["one owner's since a day", { owner: 'user_7', createdFrom: new Date(0) }, 'investigations_owner_created_idx'],
  ] as const)('reads %s from its index in order, without sorting', async (_name, options, index) => {
    const { text, values } = findQuery(options)
    const { rows } = await db.sql.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN ${text}`, values })
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain(`using ${index} `)
    expect(plan).not.toContain('Sort')
  })

  it.each([
    ['a confidence', { minConfidence: 0.5, maxConfidence: 0.9 }, 'investigations_created_idx'],
    ["one owner's confidence", { owner: 'user_7', minConfidence: 0.5 }, 'investigations_owner_created_idx'],
  ] as const)('walks along the time index for %s, which has none of its own', async (_name, options, index) => {
    const { text, values } = findQuery(options)
    const { rows } = await db.sql.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN ${text}`, values })
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain(`using ${index} `)
    expect(plan).not.toContain('Sort')
  })

  it('reads a batch of what is too old from an index in order, without sorting', async () => {
    const { rows } = await db.sql.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN ${EXPIRED}`, values: ['completed', new Date(), 100] })
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toMatch(/using investigations_(status_)?created_idx /)
    expect(plan).not.toContain('Sort')
  })

  it('goes to a page far down by its cursor, not by counting', async () => {
    const { items, next } = await db.investigations.find({ createdTo: new Date(Date.now() - 15_000 * 60_000), limit: 10 })
    expect(items).toHaveLength(10)
    const { text, values } = findQuery({ after: next ?? '', limit: 10 })
    const { rows } = await db.sql.query<{ 'QUERY PLAN': string }>({ text: `EXPLAIN ${text}`, values })
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('Index Cond: (ROW(created_at, (id)::text) < ')
  })
})
