import { describe, expect, it } from 'vitest'
import { bench, value } from '../test/fault-bench.ts'
import type { InvalidationMessage, RequestedInvalidation } from './consistency/invalidation-message.ts'
import { toMessage } from './consistency/invalidation-message.ts'
import { invalidateInTransaction, type TransactionalParts } from './consistency/transactional.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

/** A database of one row and an outbox, whose transactions commit both or neither. */
class Database {
  row = 'old'
  readonly outbox: RequestedInvalidation[] = []

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const tx = new Transaction(this.row)
    const result = await work(tx)
    this.row = tx.row
    this.outbox.push(...tx.outbox)
    return result
  }
}

class Transaction {
  row: string
  readonly outbox: RequestedInvalidation[] = []

  constructor(row: string) {
    this.row = row
  }
}

function setUp(options: Parameters<typeof bench>[0] = {}) {
  const made = bench({ clocked: true, ...options })
  const db = new Database()
  const parts: TransactionalParts<Transaction> = { cache: made.cache, outbox: { add: (tx, what) => void tx.outbox.push(what) } }
  return { ...made, db, parts }
}

const KEY: RequestedInvalidation = { namespace: 'things', keys: ['k'] }

describe('invalidation with a transaction', () => {
  it('56: happens after the commit, so that no reader puts back what is about to change', async () => {
    const { cache, other, db, parts } = setUp()
    await cache.set('k', 'old')
    await invalidateInTransaction(parts, (invalidate) =>
      db.transaction(async (tx) => {
        tx.row = 'new'
        await invalidate(tx, KEY)
        expect(await cache.getOrSet('k', () => db.row)).toBe('old')
      }),
    )
    expect([await cache.getOrSet('k', () => db.row), await value(other())]).toEqual(['new', 'new'])
    expect(db.outbox).toEqual([KEY])
  })

  it('57: a transaction that fails invalidates nothing and leaves nothing in the outbox', async () => {
    const { cache, db, parts } = setUp()
    await cache.set('k', 'old')
    const failing = invalidateInTransaction(parts, (invalidate) =>
      db.transaction(async (tx) => {
        await invalidate(tx, KEY)
        throw new Error('constraint')
      }),
    )
    await expect(failing).rejects.toThrow('constraint')
    expect([await value(cache), db.outbox]).toEqual(['old', []])
  })

  it('55: what the direct invalidation could not reach the relay delivers, in whatever order and however often', async () => {
    const { cache, other, db, parts, l2, clock } = setUp()
    await cache.set('k', 'old', { tags: ['x'] })
    const deferred: unknown[] = []
    l2.fail('down')
    const all: readonly RequestedInvalidation[] = [KEY, { namespace: 'things', tags: ['x'] }, { namespace: 'things', clear: 'all' }]
    await invalidateInTransaction({ ...parts, onDeferred: (error) => deferred.push(error) }, (invalidate) =>
      db.transaction((tx) => invalidate(tx, ...all)),
    )
    expect(deferred).toMatchObject([{ code: 'CACHE_UNAVAILABLE' }, { code: 'CACHE_UNAVAILABLE' }, { code: 'CACHE_UNAVAILABLE' }])
    l2.heal()
    await clock.advance(5_000)
    // Another process has the relay; it knows nothing of what this one remembers.
    const relay = other()
    for (const message of [...db.outbox, ...db.outbox.toReversed()].map(toMessage)) await relay.applyInvalidation(message)
    expect([await value(cache), await value(relay)]).toEqual(['miss', 'miss'])
  })

  it('is refused by the relay while a tier is away, so that it comes again', async () => {
    const { cache, l2 } = setUp()
    l2.fail('down')
    const messages: readonly InvalidationMessage[] = [
      { namespace: 'things', target: 'keys', names: ['k'] },
      { namespace: 'things', target: 'tags', names: ['x'] },
      { namespace: 'things', target: 'all', names: [] },
    ]
    for (const message of messages) await expect(cache.applyInvalidation(message)).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' })
    await expect(cache.applyInvalidation({ namespace: 'nobody', target: 'all', names: [] })).rejects.toMatchObject({
      code: 'CACHE_POLICY_UNKNOWN',
    })
  })
})

describe('invalidations that could not reach a tier', () => {
  it('go to the store that outlives the process, but not when they come from there', async () => {
    const stored: RequestedInvalidation[] = []
    const { cache, l2 } = setUp({ pendingInvalidations: { add: async (what) => void stored.push(what) } })
    await cache.delete('fine')
    l2.fail('down')
    await cache.delete('a')
    await cache.set('b', 1)
    await cache.invalidateTags(['x'])
    await cache.clear()
    await expect(cache.applyInvalidation({ namespace: 'things', target: 'keys', names: ['a'] })).rejects.toThrow()
    expect(stored).toEqual([
      { namespace: 'things', keys: ['a'] },
      { namespace: 'things', tags: ['x'] },
      { namespace: 'things', clear: 'all' },
    ])
  })

  it('6: of a set go there only when the process ends, so that none removes what was stored since', async () => {
    const stored: RequestedInvalidation[] = []
    const { cache, l2 } = setUp({ pendingInvalidations: { add: async (what) => void stored.push(what) } })
    await cache.start()
    l2.fail('down')
    expect(await cache.set('b', 1)).toMatchObject({ outcome: 'pending' })
    expect(stored).toEqual([])
    await cache.stop()
    expect(stored).toEqual([{ namespace: 'things', keys: ['b'] }])
  })

  it('are reported when that store fails, too', async () => {
    const { cache, l2 } = setUp({ pendingInvalidations: { add: () => Promise.reject(new Error('database down')) } })
    const errors: string[] = []
    cache.on('error', ({ operation, error }) => errors.push(`${operation}: ${error.message}`))
    l2.fail('down')
    expect(await cache.delete('a')).toMatchObject({ outcome: 'pending' })
    await cache.start()
    await cache.stop()
    expect(errors).toContain('invalidate: database down')
  })
})
