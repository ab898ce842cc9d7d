import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database } from '../src/index.ts'
import { openDatabase, rejectionOf } from './fixtures/database-fixture.ts'

let db: Database
let close: () => Promise<void>
beforeAll(async () => {
  ;({ db, close } = await openDatabase())
})
afterAll(() => close())

async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const operations: string[] = []
  const off = db.events.on('query', ({ operation }) => operations.push(operation))
  try {
    await work()
  } finally {
    off()
  }
  return operations
}

it('reads that are asked for in one turn are one statement, each with its own answer and its own owner', async () => {
  for (const n of [1, 2, 3]) await db.investigations.save({ id: `inv_${n}`, query: `q${n}`, userId: `u${n}` })
  const get = db.investigations.get.bind(db.investigations)
  let found: unknown
  const operations = await statementsOf(async () => {
    found = await Promise.all([get('inv_1'), get('inv_2', { owner: 'u2' }), get('inv_3', { owner: 'u1' }), get('inv_none'), get('inv_1')])
  })
  expect(operations).toEqual(['investigations.get-some'])
  expect(found).toMatchObject([{ query: 'q1' }, { query: 'q2' }, undefined, undefined, { query: 'q1' }])
})

it('a read alone is the plain statement, and so is each that waits for the one before', async () => {
  const operations = await statementsOf(async () => {
    await db.investigations.get('inv_1')
    await db.investigations.get('inv_2')
  })
  expect(operations).toEqual(['investigations.get', 'investigations.get'])
})

it('more than a hundred are several statements, and all are answered', async () => {
  const ids = Array.from({ length: 250 }, (_, n) => `many_${n}`)
  await db.investigations.saveMany(ids.map((id) => ({ id, query: id })))
  let found: readonly unknown[] = []
  const operations = await statementsOf(async () => {
    found = await Promise.all(ids.map((id) => db.investigations.get(id)))
  })
  expect(operations).toHaveLength(3)
  expect(found).toMatchObject(ids.map((id) => ({ id, query: id })))
})

it('a failure reaches everybody who asked', async () => {
  await close()
  const failures = await Promise.all(['inv_1', 'inv_2'].map((id) => rejectionOf(db.investigations.get(id))))
  expect(failures).toMatchObject([{ code: 'DB_CLOSED' }, { code: 'DB_CLOSED' }])
})
