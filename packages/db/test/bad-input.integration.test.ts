import { createTestDatabase } from '@cidadao/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { JsonObject } from '@cidadao/contracts'
import { createDatabase, type Database, type InvestigationDraft } from '../src/index.ts'
import { AUDIT_ORIGIN, connectDirectly, openDatabase, rejectionOf } from './fixtures/database-fixture.ts'

let db: Database
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
})
beforeEach(() => db.sql.query('DELETE FROM investigations'))
afterAll(() => close())

const QUERY = 'Contratos de 2024'

/** The same draft by each way in: they must not differ in what they refuse. */
const WAYS = [
  ['save', (draft: InvestigationDraft) => rejectionOf(db.investigations.save(draft))],
  [
    'an atomic saveMany',
    async (draft: InvestigationDraft) => (await rejectionOf(db.investigations.saveMany([draft], { atomic: true }))).cause,
  ],
  [
    'saveMany',
    async (draft: InvestigationDraft) => {
      const [outcome] = (await db.investigations.saveMany([draft])).outcomes
      return outcome?.outcome === 'refused' ? outcome.error : outcome
    },
  ],
] as const

function nested(depth: number): JsonObject {
  let value: JsonObject = {}
  for (let level = 1; level < depth; level += 1) value = { deeper: value }
  return value
}

describe.each(WAYS)('%s refuses, and stores nothing of', (_way, refusalBy) => {
  it.each<readonly [name: string, draft: unknown, field: string]>([
    ['a confidence that is NaN', { query: QUERY, confidenceScore: Number.NaN }, 'confidenceScore'],
    [
      'an infinite confidence, which PostgreSQL would take for a missing one',
      { query: QUERY, confidenceScore: Infinity },
      'confidenceScore',
    ],
    ['a confidence as text', { query: QUERY, confidenceScore: '0.5' }, 'confidenceScore'],
    ['NUL in a question', { query: 'a\u0000b' }, 'query'],
    ['half of a surrogate pair in a question', { query: 'a\ud83c' }, 'query'],
    ['NUL in results, which are hashed for the log before they come here', { query: QUERY, results: { a: ['x\u0000'] } }, 'results.a[0]'],
    ['half of a surrogate pair in the name of a member', { query: QUERY, metadata: { b: 1, 'a\udc00': 1 } }, "metadata: a member's name"],
    ['an id of 51 characters', { id: 'x'.repeat(51), query: QUERY }, 'id'],
    ['completed without its time', { query: QUERY, status: 'completed' }, 'completedAt'],
    ['a status that does not exist', { query: QUERY, status: 'banana' }, 'status'],
    ['a status of the original', { query: QUERY, status: 'running' }, 'status'],
    ['JSON 10,000 levels deep', { query: QUERY, results: nested(10_000) }, `results${'.deeper'.repeat(101)}`],
    [
      'a list 10,000 levels deep',
      { query: QUERY, metadata: { a: JSON.parse('['.repeat(10_000) + ']'.repeat(10_000)) as unknown } },
      `metadata.a${'[0]'.repeat(100)}`,
    ],
    ['bigint in results', { query: QUERY, results: { n: 1n } }, 'results.n'],
    ['a date that is none', { query: QUERY, createdAt: new Date(Number.NaN) }, 'createdAt'],
    ['nothing at all', undefined, 'investigation'],
  ])('%s', async (_name, draft, field) => {
    expect(await refusalBy(draft as InvestigationDraft)).toMatchObject({ code: 'DB_INVALID_INVESTIGATION', facts: { field } })
    expect(await db.investigations.stats()).toMatchObject({ total: 0 })
  })
})

describe('what is mended rather than refused', () => {
  it('is the message of a failure: NUL and halves of surrogate pairs become U+FFFD, the rest stays', async () => {
    const errorMessage = 'a fonte respondeu: \u0000\ud83c ação 🏛️'
    const saved = await db.investigations.save({ query: QUERY, status: 'error', errorMessage })
    expect(saved.errorMessage).toBe('a fonte respondeu: \uFFFD\uFFFD ação 🏛️')
    const report = await db.investigations.saveMany([{ query: QUERY, status: 'error', errorMessage }])
    expect(report.counts.saved).toBe(1)
  })

  it('leaves JSON of 100 levels as it is', async () => {
    const results = nested(100)
    const saved = await db.investigations.save({ query: QUERY, results })
    expect((await db.investigations.get(saved.id))?.results).toEqual(results)
  })
})

describe('a CPF in a question', () => {
  const CPF = '111.444.777-35'
  const asked = `Contratos de quem tem o CPF ${CPF} ou 11144477735`
  const MASKED = 'Contratos de quem tem o CPF ***.444.777-** ou ***.444.777-**'

  it('is masked by every way in, and the draft can be saved again as it was', async () => {
    const first = await db.investigations.save({ id: 'a', query: asked })
    expect(first.query).toBe(MASKED)
    expect(await db.investigations.save({ ...first, status: 'processing' })).toMatchObject({ query: MASKED, version: 2 })
    expect(await db.investigations.save({ id: 'a', query: asked, version: 2, status: 'processing' })).toMatchObject({ version: 3 })
    await db.investigations.saveMany([{ id: 'b', query: asked }])
    expect(await db.investigations.get('b')).toMatchObject({ query: MASKED })
  })

  it('is in no table, no event and no error', async () => {
    const told: unknown[] = []
    const offs = (['query', 'saved', 'transition'] as const).map((name) => db.events.on(name, (event) => told.push(event)))
    await db.investigations.save(
      { id: 'a', query: asked },
      { audit: { actor: { kind: 'system' }, action: 'investigation.submitted', investigation: 'a' } },
    )
    const conflict = await rejectionOf(db.investigations.save({ id: 'a', query: asked }))
    const changed = await rejectionOf(db.investigations.save({ id: 'a', query: `${asked}!`, version: 1 }))
    const invalid = await rejectionOf(db.investigations.save({ id: 'a', query: `${asked}\u0000` }))
    offs.forEach((off) => off())
    const { rows } = await db.sql.query<{ text: string }>(
      'SELECT t::text AS text FROM investigations t UNION ALL SELECT t::text FROM audit_logs t UNION ALL SELECT t::text FROM audit_private t',
    )
    const everything = JSON.stringify([rows, told, ...[conflict, changed, invalid].map((error) => [error.message, error.stack, error])])
    expect(everything).toContain('***.444.777-**')
    expect(everything).not.toMatch(/111\.?444\.?777/)
  })
})

describe('dates', () => {
  it('of another time zone stay exact with server, session and process in America/Sao_Paulo', async () => {
    const { url, drop } = await createTestDatabase()
    const zone = process.env.TZ
    process.env.TZ = 'America/Sao_Paulo'
    const client = await connectDirectly(url)
    const { rows: named } = await client.query<{ name: string }>('SELECT current_database() AS name')
    await client.query(`ALTER DATABASE "${named[0]?.name ?? ''}" SET timezone TO 'America/Sao_Paulo'`)
    const local = createDatabase({ url, auditOrigin: AUDIT_ORIGIN, pool: { size: 1, maxOverflow: 1 } })
    onTestFinished(async () => {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
      await local.stop()
      await drop()
    })
    await local.start()
    // The hour that the end of summer time gave twice, and 23:30 of a day that is the next one already in UTC.
    const twice = ['2019-02-17T01:30:00.001Z', '2019-02-17T02:30:00.001Z'].map((text) => new Date(text))
    const createdAt = new Date('2024-03-01T23:30:00.123-03:00')
    const completedAt = new Date('2024-03-02T08:00:00.456+05:30')
    await local.investigations.save({ id: 'one', query: QUERY, status: 'completed', createdAt, completedAt })
    await local.investigations.saveMany(
      twice.map((instant, index) => ({ id: `bulk_${index}`, query: QUERY, status: 'completed', createdAt: instant, completedAt: instant })),
    )
    expect(new Date(2024, 0, 1).getTimezoneOffset()).toBe(180)
    expect((await local.investigations.get('one'))?.createdAt.toISOString()).toBe('2024-03-02T02:30:00.123Z')
    expect((await local.investigations.get('one'))?.completedAt).toEqual(completedAt)
    const page = await local.investigations.find({ createdTo: new Date('2020-01-01T00:00:00Z') })
    expect(page.items.map((item) => item.createdAt)).toEqual(twice.toReversed())
    const day = { createdFrom: new Date('2024-03-02T00:00:00Z'), createdTo: new Date('2024-03-03T00:00:00Z') }
    expect(await local.investigations.stats(day)).toMatchObject({ total: 1 })
  })
})
