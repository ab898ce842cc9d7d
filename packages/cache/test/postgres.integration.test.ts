import { TestClock } from '@cidadao/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCache, definePolicy, type Cache } from '../src/index.ts'
import { postgresTier, type PostgresPoolPort } from '../src/postgres/index.ts'
import { TABLE, testPool, type TestPool } from './pg-pool.ts'
import { freshKey } from './tier-conformance.ts'

const POLICY = definePolicy({ name: 'things', ttlMs: 600_000 })

async function pool(table?: 'without table'): Promise<TestPool> {
  const made = await testPool(table)
  onTestFinished(() => made.end())
  return made
}

function cacheOn(port: PostgresPoolPort): Cache {
  const cache = createCache({ tiers: [postgresTier(port)], defaultPolicy: POLICY, guard: { budgetMs: 1_000 } })
  onTestFinished(() => cache.stop())
  return cache
}

/** Entries and fill windows; a namespace's clock and leases are rows, too. */
const rowsIn = async (port: PostgresPoolPort): Promise<number> => {
  const { rows } = await port.query("SELECT count(*)::int AS n FROM cache_entries WHERE left(namespace, 1) <> '#'")
  return (rows[0] as { readonly n: number }).n
}

describe('the PostgreSQL tier', () => {
  it('keeps a value for another process', async () => {
    const port = await pool()
    await cacheOn(port).set('k', { at: new Date(0) })
    expect(await cacheOn(port).get('k')).toMatchObject({ outcome: 'hit', tier: 'postgres', value: { at: new Date(0) } })
  })

  it('51: runs no DDL: a missing table is a tier that is not available, with what to do about it, until it is there', async () => {
    const port = await pool('without table')
    const cache = cacheOn(port)
    expect(await cache.getOrSet('k', () => 'v')).toBe('v')
    const [tier] = cache.status().tiers
    expect(tier?.state).not.toBe('ok')
    expect(tier?.reason).toMatch(/cache_entries is missing; have the migrations been applied/)
    await port.query(TABLE)
    await expect.poll(() => cache.status().tiers[0]?.state, { timeout: 5_000 }).toBe('ok')
    expect(await cache.set('k', 'v')).toEqual({ outcome: 'done' })
  })

  it('50: a sweep removes what is expired and not what was renewed meanwhile', async () => {
    const port = await pool()
    const clock = new TestClock()
    const tier = postgresTier(port, { clock, sweepIntervalMs: 1_000, sweepBatchSize: 2 })
    const keys = Array.from({ length: 7 }, () => freshKey())
    for (const key of keys) await tier.write(key, { payload: Buffer.from('x'), ttlMs: 1 })
    await tier.write(keys[0] ?? freshKey(), { payload: Buffer.from('renewed'), ttlMs: 60_000 })
    await tier.start?.()
    await clock.advance(1_000)
    await expect.poll(() => rowsIn(port)).toBe(1)
    await tier.stop?.()
    expect(clock.pendingTimers).toBe(0)
  })

  it('a sweep passes over rows that somebody is working on', async () => {
    const port = await pool()
    const clock = new TestClock()
    const tier = postgresTier(port, { clock, sweepIntervalMs: 1_000 })
    const [held, free] = [freshKey(), freshKey()]
    for (const key of [held, free]) await tier.write(key, { payload: Buffer.from('x'), ttlMs: 1 })
    const other = await port.hold('SELECT 1 FROM cache_entries WHERE key = $1 FOR UPDATE', [held.id])
    await tier.start?.()
    await clock.advance(1_000)
    await expect.poll(() => rowsIn(port)).toBe(1)
    await other.release()
    await tier.stop?.()
  })

  it('53: concurrent writes, deletes and clears of the same keys do not deadlock', async () => {
    const port = await pool()
    const [one, two] = [cacheOn(port), cacheOn(port)]
    const keys = Array.from({ length: 40 }, (_, index) => `k${index}`)
    const entries = keys.map((key) => [key, key] as const)
    const outcomes = await Promise.all([
      one.setMany(entries),
      two.setMany(entries.toReversed()),
      one.clear(),
      two.deleteMany(keys),
      two.clear(),
    ])
    expect(outcomes.map((outcome) => outcome.outcome)).toEqual(['done', 'done', 'done', 'done', 'done'])
  })

  it('treats a table emptied by crash recovery as cold, and refuses fills of before', async () => {
    const port = await pool()
    const tier = postgresTier(port)
    const key = freshKey()
    const seen = await tier.fence?.read(key, 60_000)
    await port.query('TRUNCATE cache_entries')
    if (seen?.generation === undefined) throw new Error('no window')
    expect(await tier.fence?.fill(key, { payload: Buffer.from('old'), ttlMs: 1_000 }, seen.generation)).toBe('superseded')
    expect(await rowsIn(port)).toBe(0)
  })

  it('compares the key itself, not only its hash', async () => {
    const port = await pool()
    const tier = postgresTier(port)
    const [key, other] = [freshKey(), freshKey()]
    await tier.write(key, { payload: Buffer.from('mine'), ttlMs: 60_000 })
    await port.query('UPDATE cache_entries SET key = $1', [other.id])
    expect((await tier.read(key)).entry).toBeUndefined()
  })

  it('clears thousands of rows of a namespace', async () => {
    const port = await pool()
    await port.query(`
      INSERT INTO cache_entries SELECT n, 'default/v1/things/' || n, 'default/v1/things', n, ''::bytea, now() + interval '1 hour'
      FROM generate_series(1, 2500) AS n`)
    expect(await cacheOn(port).clear()).toEqual({ outcome: 'done' })
    expect(await rowsIn(port)).toBe(0)
  })

  it('counts a server that went away as not available, and nothing throws', async () => {
    const port = await testPool()
    const cache = cacheOn(port)
    await cache.set('k', 'v')
    await port.end()
    expect(await cache.set('k', 'w')).toMatchObject({ outcome: 'pending', tiers: ['postgres'] })
    expect(await cache.getOrSet('k2', () => 1)).toBe(1)
  })
})
