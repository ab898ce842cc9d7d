import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, InvestigationDraft } from '../src/index.ts'
import { openDatabase } from './fixtures/database-fixture.ts'

let db: Database
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
})
afterAll(() => close())

const FULL: InvestigationDraft = {
  userId: 'ana',
  query: 'Licitações de São Paulo 🇧🇷',
  status: 'completed',
  results: { zeta: [1e300, -1.5e-10, 0.1, 12345678901234567890], a: { nested: [null, true, 'ç\t"\\'] }, empty: [] },
  metadata: { b: 1, a: { 'a name with spaces': '' } },
  createdAt: new Date('2024-01-31T12:00:00.123Z'),
  completedAt: new Date('2024-02-01T00:00:00.999Z'),
  confidenceScore: 0.1 + 0.2,
  anomaliesFound: Number.MAX_SAFE_INTEGER,
  processingTimeMs: 1,
}

describe('what save returns', () => {
  it.each<[string, InvestigationDraft]>([
    ['with every field', FULL],
    ['with none but the question', { query: 'q' }],
    ['with an empty result', { query: 'q', results: [] }],
    ['with an error message', { query: 'q', status: 'error', errorMessage: 'falhou' }],
  ])('is what is read afterwards, %s', async (_what, draft) => {
    const saved = await db.investigations.save(draft)
    expect(await db.investigations.get(saved.id)).toEqual(saved)
    expect(saved.version).toBe(1)
  })

  it('is what is read afterwards when it was changed, too', async () => {
    const first = await db.investigations.save({ query: 'q' })
    const begun = await db.investigations.save({ ...first, status: 'processing', metadata: { step: 1 } })
    expect(await db.investigations.get(first.id)).toEqual(begun)
    expect(begun.createdAt).toEqual(first.createdAt)
  })

  it("shares nothing with the caller's draft", async () => {
    const results = { findings: ['one'] }
    const completedAt = new Date()
    const saved = await db.investigations.save({ query: 'q', status: 'completed', results, completedAt })
    results.findings.push('two')
    completedAt.setTime(0)
    expect(await db.investigations.get(saved.id)).toEqual(saved)
  })
})
