import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type Database } from '../src/index.ts'
import { MAX_NAMES } from '../src/outbox/cache-invalidation.ts'
import { openDatabase, rejectionOf } from './fixtures/database-fixture.ts'

let db: Database
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
})
beforeEach(() => db.sql.query('DELETE FROM cache_outbox'))
afterAll(() => close())

interface StoredRow {
  readonly namespace: string
  readonly target: string
  readonly names: readonly string[]
}

async function storedRows(): Promise<readonly StoredRow[]> {
  return (await db.sql.query<StoredRow>('SELECT namespace, target, names FROM cache_outbox ORDER BY id')).rows
}

describe('invalidations of the cache in the outbox', () => {
  it('commit with the change that they belong to', async () => {
    await db.transaction(async (tx) => {
      await tx.investigations.save({ id: 'inv_outbox', query: 'q' })
      tx.invalidate({ namespace: 'investigations', keys: ['inv_outbox'] }, { namespace: 'lists', tags: ['owner:ana', 'ação "1"'] })
      tx.invalidate({ namespace: 'stats', clear: 'all' })
    })
    expect(await storedRows()).toEqual([
      { namespace: 'investigations', target: 'keys', names: ['inv_outbox'] },
      { namespace: 'lists', target: 'tags', names: ['owner:ana', 'ação "1"'] },
      { namespace: 'stats', target: 'all', names: [] },
    ])
  })

  it('leave nothing when the transaction is rolled back', async () => {
    const failure = new Error('changed my mind')
    const work = db.transaction(async (tx) => {
      tx.invalidate({ namespace: 'investigations', keys: ['inv_gone'] })
      throw failure
    })
    expect(await rejectionOf(work)).toBe(failure)
    expect(await storedRows()).toEqual([])
  })

  it('are told of once they are committed, and not before', async () => {
    const told: number[] = []
    onTestFinished(db.events.on('outbox-written', ({ rows }) => told.push(rows)))
    await db.transaction(async (tx) => {
      tx.invalidate({ namespace: 'n', keys: ['a'] }, { namespace: 'n', keys: ['b'] })
      expect(told).toEqual([])
    })
    await db.transaction((tx) => tx.sql.query('SELECT 1'))
    expect(told).toEqual([2])
  })

  it('can be written without a change of the caller, as by a cache that cannot reach Redis', async () => {
    await db.invalidate({ namespace: 'n', keys: ['a'] })
    expect(await storedRows()).toEqual([{ namespace: 'n', target: 'keys', names: ['a'] }])
  })

  it('are refused at once when they break a rule, and the transaction may go on', async () => {
    await db.transaction(async (tx) => {
      expect(() => tx.invalidate({ namespace: 'n', keys: ['a', ''] })).toThrow(expect.objectContaining({ code: 'DB_INVALID_INVALIDATION' }))
      tx.invalidate({ namespace: 'n', keys: ['b'] })
    })
    expect(await storedRows()).toEqual([{ namespace: 'n', target: 'keys', names: ['b'] }])
  })

  it('may name very many keys', async () => {
    await db.invalidate({ namespace: 'n', keys: Array.from({ length: 100 * MAX_NAMES }, (_, index) => `key-${index}`) })
    const { rows } = await db.sql.query('SELECT count(*)::integer AS rows, sum(cardinality(names))::integer AS names FROM cache_outbox')
    expect(rows).toEqual([{ rows: 100, names: 100_000 }])
  })

  it.each([
    ["('n/x', 'keys', '{a}')"],
    ["('n', 'everything', '{a}')"],
    ["('n', 'keys', '{}')"],
    ["('n', 'tags', '{NULL}')"],
    ["('n', 'all', '{a}')"],
    ["('n', 'keys', array_fill('a'::text, '{1001}'))"],
  ])('are held to the same rules by the database: %s', async (row) => {
    const insert = db.sql.query(`INSERT INTO cache_outbox (namespace, target, names) VALUES ${row}`)
    expect(await rejectionOf(insert)).toMatchObject({ code: 'DB_CONSTRAINT', facts: { kind: 'check' } })
  })

  it('send no NOTIFY, which would make commits wait for each other (pitfall 54)', async () => {
    const operations: string[] = []
    onTestFinished(db.events.on('query', ({ operation }) => operations.push(operation)))
    await db.invalidate({ namespace: 'n', keys: ['a'] })
    expect(operations).toEqual(['begin', 'outbox.write', 'commit'])
    const { rows } = await db.sql.query("SELECT 1 FROM pg_trigger WHERE tgrelid = 'cache_outbox'::regclass AND NOT tgisinternal")
    expect(rows).toEqual([])
  })
})
