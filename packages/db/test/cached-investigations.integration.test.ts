import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  createCachedInvestigations,
  type CachedInvestigations,
  type CachedInvestigationsOptions,
  type Database,
  type EraseOptions,
  type Investigation,
  type InvestigationCachePort,
  type InvestigationDraft,
} from '../src/index.ts'
import { openDatabase, openForTest, rejectionOf } from './fixtures/database-fixture.ts'
import { failingCache, FencedCache, hangingCache, PlainCache } from './fixtures/test-caches.ts'

let db: Database
let close: () => Promise<void>

beforeAll(async () => {
  ;({ db, close } = await openDatabase())
})
beforeEach(() => db.sql.query('DELETE FROM investigations'))
afterAll(() => close())

const QUERY = 'Contratos de saúde'
const ERASE: EraseOptions = { actor: { kind: 'human', id: 'dpo' }, basis: 'lgpd-18-vi' }

interface Opened {
  readonly cached: CachedInvestigations
  /** Events, as they came. */
  readonly told: unknown[]
}

function cachedBy(cache: InvestigationCachePort, options: Partial<CachedInvestigationsOptions> = {}): Opened {
  const cached = createCachedInvestigations({ store: db.investigations, cache, events: db.events, ...options })
  const told: unknown[] = []
  cached.events.on('cache-failed', (event) => told.push(event))
  cached.events.on('cached-row-refused', (event) => told.push(event))
  return { cached, told }
}

function ended(id: string, change: Partial<InvestigationDraft> = {}): Promise<Investigation> {
  return db.investigations.save({ id, userId: 'ana', query: QUERY, status: 'completed', completedAt: new Date(), ...change })
}

describe('reading', () => {
  it('asks the database once, and gives the same row from the cache', async () => {
    const cache = new FencedCache()
    const { cached } = cachedBy(cache)
    const saved = await ended('a')
    expect(await cached.get('a')).toEqual(saved)
    expect(await cached.get('a')).toEqual(saved)
    expect(cache.loads).toBe(1)
  })

  it('keeps one that has ended for long, and one that has not ended not at all', async () => {
    const cache = new FencedCache()
    const { cached } = cachedBy(cache)
    await ended('completed')
    await db.investigations.save({ id: 'error', query: QUERY, status: 'error', errorMessage: 'x' })
    await db.investigations.save({ id: 'cancelled', query: QUERY, status: 'cancelled' })
    await db.investigations.save({ id: 'pending', query: QUERY })
    await db.investigations.save({ id: 'processing', query: QUERY, status: 'processing' })
    for (const id of ['completed', 'error', 'cancelled', 'pending', 'processing']) await cached.get(id)
    expect(cache.ttls).toEqual(new Map(['completed', 'error', 'cancelled'].map((id) => [id, 3_600_000])))
  })

  it('keeps one that has not ended for a short time where that is asked for', async () => {
    const cache = new FencedCache()
    const { cached } = cachedBy(cache, { openTtlMs: 2_000, endedTtlMs: 60_000 })
    await db.investigations.save({ id: 'pending', query: QUERY })
    await ended('completed')
    for (const id of ['completed', 'pending']) await cached.get(id)
    expect([...cache.ttls]).toEqual([
      ['completed', 60_000],
      ['pending', 2_000],
    ])
  })

  it('does not keep absence: what is saved a moment later is seen at once', async () => {
    const { cached } = cachedBy(new FencedCache())
    expect(await cached.get('late')).toBeUndefined()
    const saved = await cached.save({ id: 'late', query: QUERY })
    expect(await cached.get('late')).toEqual(saved)
  })

  it('checks the owner after the cache as well: a row that is cached for one is not shown to another', async () => {
    const cache = new FencedCache()
    const { cached } = cachedBy(cache)
    await ended('owned')
    expect(await cached.get('owned', { owner: 'ana' })).toBeDefined()
    expect(cache.rows.has('owned')).toBe(true)
    expect(await cached.get('owned', { owner: 'bia' })).toBeUndefined()
    expect(await cached.get('owned', { owner: null })).toBeUndefined()
    expect(cache.loads).toBe(1)
    const forgotten = { owner: undefined } as unknown as { owner: string }
    expect(await rejectionOf(cached.get('owned', forgotten))).toMatchObject({ facts: { field: 'owner' } })
  })

  it('does not use what is no row of this program, deletes it, and reads the database', async () => {
    const cache = new FencedCache()
    const { cached, told } = cachedBy(cache)
    const saved = await ended('a')
    for (const damaged of [null, 'text', { ...saved, id: 'b' }, { ...saved, createdAt: '2024-03-01' }, { ...saved, status: 'banana' }]) {
      cache.rows.set('a', damaged)
      expect(await cached.get('a')).toEqual(saved)
      expect(cache.rows.has('a')).toBe(false)
    }
    expect(told).toEqual(Array.from({ length: 5 }, () => ({ reason: 'unreadable' })))
  })
})

describe('writing', () => {
  it.each([
    ['save', (cached: CachedInvestigations, row: Investigation) => cached.save({ ...row, metadata: { seen: true } })],
    ['saveMany', (cached: CachedInvestigations, row: Investigation) => cached.saveMany([{ ...row, metadata: { seen: true } }])],
    [
      'a transaction that knows nothing of the cache',
      (_cached: CachedInvestigations, row: Investigation) =>
        db.transaction((tx) => tx.investigations.save({ ...row, metadata: { seen: true } })),
    ],
  ])('by %s is seen by the next read, row and cache agreeing', async (_name, write) => {
    const cache = new FencedCache()
    const { cached } = cachedBy(cache)
    const first = await ended('a')
    await cached.get('a')
    await write(cached, first)
    const read = await cached.get('a')
    expect(read).toMatchObject({ version: 2, metadata: { seen: true } })
    expect(cache.rows.get('a')).toEqual(read)
    expect(read).toEqual(await db.investigations.get('a'))
  })

  it('removes what is cancelled, erased or expired', async () => {
    const cache = new FencedCache()
    const { cached } = cachedBy(cache, { openTtlMs: 60_000 })
    await db.investigations.save({ id: 'c', query: QUERY })
    await ended('e')
    await ended('x', { createdAt: new Date(0) })
    for (const id of ['c', 'e', 'x']) await cached.get(id)
    expect(cache.rows.size).toBe(3)
    await cached.cancel('c')
    await cached.erase('e', ERASE)
    await cached.eraseExpired({ olderThanMs: 86_400_000 })
    expect(cache.rows.size).toBe(0)
    expect([await cached.get('e'), await cached.get('x')]).toEqual([undefined, undefined])
    expect(await cached.get('c')).toMatchObject({ status: 'cancelled' })
  })

  it('of an immutable field is refused, and the cached row keeps what is stored', async () => {
    const { cached } = cachedBy(new FencedCache())
    const row = await ended('a')
    await cached.get('a')
    expect(await rejectionOf(cached.save({ ...row, query: 'another' }))).toMatchObject({ code: 'DB_IMMUTABLE_FIELD' })
    expect(await cached.get('a')).toEqual(row)
  })

  it('that is refused since the cached row was too old lets the next read see the newer one', async () => {
    const cache = new PlainCache()
    const { cached } = cachedBy(cache)
    const first = await ended('a')
    // Another process, of whose write this one hears nothing.
    await cached.get('a')
    await db.sql.query("UPDATE investigations SET metadata = '{}' WHERE id = 'a'")
    expect((await cached.get('a'))?.version).toBe(1)
    expect(await rejectionOf(cached.save(first))).toMatchObject({ code: 'DB_VERSION_CONFLICT', storedVersion: 2 })
    expect((await cached.get('a'))?.version).toBe(2)
    await db.sql.query("UPDATE investigations SET metadata = '{}' WHERE id = 'a'")
    expect((await cached.saveMany([{ ...first, version: 2 }])).counts.refused).toBe(1)
    expect((await cached.get('a'))?.version).toBe(3)
  })

  it('asks the cache once for a chunk of many rows, and not at all for new ones', async () => {
    const cache = new FencedCache()
    let calls = 0
    const counting: InvestigationCachePort = {
      getOrLoad: (id, load) => cache.getOrLoad(id, load),
      delete: (ids) => {
        calls += 1
        return cache.delete(ids)
      },
    }
    const { cached } = cachedBy(counting)
    const rows = Array.from({ length: 500 }, (_, index) => ({ id: `n${index}`, query: QUERY }))
    await cached.saveMany(rows)
    expect(calls).toBe(0)
    await cached.saveMany(rows.map((row) => ({ ...row, version: 1 })))
    expect({ calls, deleted: cache.deleted.length }).toEqual({ calls: 1, deleted: 500 })
  })
})

describe('a reader that stands still between its load and keeping the row, while a writer saves', () => {
  async function race(cache: PlainCache): Promise<Opened & { readonly late: Investigation | undefined }> {
    const opened = cachedBy(cache)
    const first = await ended('a')
    const [loaded, goOn] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    cache.beforeKeeping = () => {
      loaded.resolve(undefined)
      return goOn.promise
    }
    const reading = opened.cached.get('a')
    await loaded.promise
    cache.beforeKeeping = () => Promise.resolve()
    await db.transaction((tx) => tx.investigations.save({ ...first, metadata: { newer: true } }))
    goOn.resolve(undefined)
    return { ...opened, late: await reading }
  }

  it('leaves nothing old in a cache that has the fence which the port asks for', async () => {
    const cache = new FencedCache()
    const { cached, late, told } = await race(cache)
    expect(late?.version).toBe(1)
    expect(cache.rows.has('a')).toBe(false)
    expect(await cached.get('a')).toMatchObject({ version: 2 })
    expect(told).toEqual([])
  })

  it('leaves an older row in a cache without one, which is told by its version, not used, and deleted', async () => {
    const cache = new PlainCache()
    const { cached, told } = await race(cache)
    expect(cache.rows.get('a')).toMatchObject({ version: 1 })
    expect(await cached.get('a')).toMatchObject({ version: 2 })
    expect(cache.rows.has('a')).toBe(false)
    expect(told).toEqual([{ reason: 'older' }])
    expect(await cached.get('a')).toMatchObject({ version: 2 })
    expect(cache.rows.get('a')).toMatchObject({ version: 2 })
  })

  it('never brings back an erased one, and lets its id begin anew', async () => {
    const cache = new PlainCache()
    const { cached } = cachedBy(cache)
    const row = await ended('a')
    await cached.get('a')
    await db.transaction((tx) => tx.investigations.erase('a', ERASE))
    cache.rows.set('a', row)
    expect(await cached.get('a')).toBeUndefined()
    const again = await ended('a')
    expect(await cached.get('a')).toEqual(again)
    expect(await cached.get('a')).toEqual(again)
    expect(cache.rows.get('a')).toEqual(again)
  })

  it('does not let the cache keep what was overtaken before its load ended', async () => {
    const cache = new PlainCache()
    const first = await ended('a')
    const store = Object.create(db.investigations, {
      get: {
        value: async () => {
          const row = await db.investigations.get('a')
          if (row?.version === 1) await db.investigations.save({ ...first, metadata: { newer: true } })
          return row
        },
      },
    }) as Database['investigations']
    const { cached } = cachedBy(cache, { store })
    expect((await cached.get('a'))?.version).toBe(1)
    expect(cache.rows.has('a')).toBe(false)
    expect((await cached.get('a'))?.version).toBe(2)
  })
})

describe('a cache that is away', () => {
  it.each([
    ['fails', failingCache, 'CACHE_UNAVAILABLE'],
    ['hangs', hangingCache, 'DB_CACHE_TIMEOUT'],
  ])('and %s changes the outcome of no save and of no read, and is told of', async (_name, cache, code) => {
    const { cached, told } = cachedBy(cache, { cacheTimeoutMs: 30 })
    const first = await cached.save({ id: 'a', query: QUERY })
    const second = await cached.save({ ...first, status: 'processing' })
    expect(second.version).toBe(2)
    expect(await cached.get('a')).toEqual(second)
    expect(await cached.get('absent')).toBeUndefined()
    expect(await cached.erase('a', ERASE)).toMatchObject({ investigationId: 'a' })
    expect(told).toEqual(['delete', 'read', 'read', 'delete'].map((operation) => ({ operation, code })))
  })

  it('after it had the row makes nobody wait', async () => {
    const cache = new FencedCache()
    cache.beforeKeeping = () => new Promise(() => {})
    const { cached, told } = cachedBy(cache, { cacheTimeoutMs: 30 })
    const row = await ended('a')
    expect(await cached.get('a')).toEqual(row)
    expect(told).toEqual([{ operation: 'read', code: 'DB_CACHE_TIMEOUT' }])
  })

  it('and absent, not known and unavailable stay three answers', async () => {
    const { db: own } = await openForTest()
    const cache = new FencedCache()
    const cached = createCachedInvestigations({ store: own.investigations, cache, events: own.events })
    await own.investigations.save({ id: 'a', query: QUERY, status: 'cancelled' })
    const row = await cached.get('a')
    expect(await cached.get('absent')).toBeUndefined()
    await own.stop()
    expect(await cached.get('a')).toEqual(row)
    expect(await rejectionOf(cached.get('absent'))).toMatchObject({ code: 'DB_CLOSED' })
    const blind = createCachedInvestigations({ store: own.investigations, cache: failingCache, events: own.events })
    expect(await rejectionOf(blind.get('a'))).toMatchObject({ code: 'DB_CLOSED' })
  })
})

describe('options', () => {
  it.each([{ endedTtlMs: -1 }, { openTtlMs: 0.5 }, { cacheTimeoutMs: 0 }, { maxRemembered: 0 }])('of %o are refused', (options) => {
    expect(() => cachedBy(new PlainCache(), options)).toThrow(expect.objectContaining({ code: 'DB_INVALID_OPTIONS' }) as Error)
  })

  it('bound how many versions are remembered', async () => {
    const cache = new PlainCache()
    const { cached, told } = cachedBy(cache, { maxRemembered: 1 })
    const rows = [await ended('a'), await ended('b')]
    for (const row of rows) await cached.save({ ...row, metadata: {} })
    rows.forEach((row) => cache.rows.set(row.id, row))
    expect([(await cached.get('a'))?.version, (await cached.get('b'))?.version]).toEqual([1, 2])
    expect(told).toEqual([{ reason: 'older' }])
  })

  it('closed, it listens no longer', async () => {
    const cache = new PlainCache()
    const { cached } = cachedBy(cache)
    const row = await ended('a')
    await cached.close()
    await db.investigations.save({ ...row, metadata: {} })
    expect(cache.deleted).toEqual([])
  })
})
