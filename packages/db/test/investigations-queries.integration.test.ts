import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, InvestigationStatus } from '../src/index.ts'
import { openDatabase, rejectionOf } from './fixtures/database-fixture.ts'

let db: Database
let close: () => Promise<void>

const FROM = new Date('2024-01-01T00:00:00.000Z')
const STATUSES: readonly InvestigationStatus[] = ['pending', 'processing', 'completed', 'completed', 'error']

/** Ana has a hundred, an hour apart; nobody has ten; Bia has one that is hers alone. */
beforeAll(async () => {
  ;({ db, close } = await openDatabase())
  await db.investigations.saveMany(
    Array.from({ length: 111 }, (_, index) => {
      const status = STATUSES[index % STATUSES.length] ?? 'pending'
      const createdAt = new Date(FROM.getTime() + index * 3_600_000)
      return {
        id: `inv_${String(index).padStart(3, '0')}`,
        userId: index < 100 ? 'ana' : index < 110 ? null : 'bia',
        query: 'q',
        status,
        createdAt,
        completedAt: status === 'completed' ? createdAt : null,
        errorMessage: status === 'error' ? 'x' : null,
        confidenceScore: index < 100 ? index / 100 : null,
        anomaliesFound: 2,
        processingTimeMs: status === 'completed' ? index : 99_999,
      }
    }),
    { atomic: true },
  )
})
afterAll(() => close())

describe('stats', () => {
  it('counts by status, sums anomalies, and spreads confidence and the time of completed ones', async () => {
    expect(await db.investigations.stats({ owner: 'ana' })).toEqual({
      total: 100,
      byStatus: { pending: 20, processing: 20, completed: 40, error: 20, cancelled: 0 },
      anomaliesFound: 200,
      confidence: {
        count: 100,
        mean: expect.closeTo(0.495, 9) as number,
        min: 0,
        p50: 0.495,
        p90: expect.closeTo(0.891, 9) as number,
        p99: expect.closeTo(0.9801, 9) as number,
        max: 0.99,
      },
      // 2, 3, 7, 8, … 97, 98.
      processingTimeMs: {
        count: 40,
        mean: 50,
        min: 2,
        p50: 50,
        p90: expect.closeTo(88.4, 9) as number,
        p99: expect.closeTo(97.61, 9) as number,
        max: 98,
      },
    })
  })

  it('of a scope without any says none, which is not zero', async () => {
    expect(await db.investigations.stats({ owner: 'carla' })).toEqual({
      total: 0,
      byStatus: { pending: 0, processing: 0, completed: 0, error: 0, cancelled: 0 },
      anomaliesFound: 0,
      confidence: null,
      processingTimeMs: null,
    })
    expect(await db.investigations.stats({ owner: null })).toMatchObject({ total: 10, confidence: null, processingTimeMs: { count: 4 } })
  })

  it('are of the range of creation that was asked for, its end excluded', async () => {
    const day = { createdFrom: FROM, createdTo: new Date(FROM.getTime() + 24 * 3_600_000) }
    expect(await db.investigations.stats(day)).toMatchObject({ total: 24 })
    expect(await db.investigations.stats()).toMatchObject({ total: 111, anomaliesFound: 222 })
  })

  it('are one statement, and nobody gets them by forgetting the login', async () => {
    const sent: string[] = []
    const off = db.events.on('query', ({ operation }) => sent.push(operation))
    await db.investigations.stats({ owner: 'ana' })
    off()
    expect(sent).toEqual(['select'])
    const forgotten = { owner: undefined } as unknown as { owner: string }
    expect(await rejectionOf(db.investigations.stats(forgotten))).toMatchObject({ facts: { field: 'owner' } })
  })
})

describe('find by confidence', () => {
  it('takes both ends as included, and leaves out those without one', async () => {
    const page = await db.investigations.find({ minConfidence: 0.2, maxConfidence: 0.23 })
    expect(page.items.map(({ id }) => id)).toEqual(['inv_023', 'inv_022', 'inv_021', 'inv_020'])
    expect((await db.investigations.find({ maxConfidence: 0 })).items.map(({ id }) => id)).toEqual(['inv_000'])
    expect((await db.investigations.find({ maxConfidence: 1, limit: 500 })).items).toHaveLength(100)
  })

  it('pages together with owner, statuses and time, each once', async () => {
    const options = {
      owner: 'ana',
      status: ['completed', 'error'] as const,
      minConfidence: 0.1,
      maxConfidence: 0.9,
      createdFrom: FROM,
      limit: 7,
    }
    const seen: string[] = []
    let after: string | null = null
    do {
      const page = await db.investigations.find({ ...options, ...(after === null ? {} : { after }) })
      seen.push(...page.items.map(({ id }) => id))
      after = page.next
    } while (after !== null)
    const expected = Array.from({ length: 81 }, (_, index) => 90 - index).filter((index) => index % 5 >= 2)
    expect(seen).toEqual(expected.map((index) => `inv_${String(index).padStart(3, '0')}`))
  })

  it.each([{ minConfidence: Number.NaN }, { maxConfidence: 1.5 }, { maxConfidence: -Infinity }])('refuses %o', async (options) => {
    expect(await rejectionOf(db.investigations.find(options))).toMatchObject({ code: 'DB_INVALID_INVESTIGATION' })
  })
})
