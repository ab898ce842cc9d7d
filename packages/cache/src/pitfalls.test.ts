import { describe, expect, it } from 'vitest'
import { bench, gate, QUIET, value } from '../test/fault-bench.ts'
import { createCache } from './cache.ts'
import { definePolicy } from './policy.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

describe('fill against invalidate', () => {
  it.each([true, false])('1: a delete during a factory wins in every tier (fenced L2: %s)', async (fenced) => {
    const { cache, other } = bench({ fenced })
    const origin = gate<string>()
    const got = cache.getOrSet('k', () => origin.promise)
    await Promise.resolve()
    expect(await cache.delete('k')).toMatchObject({ outcome: 'done' })
    origin.open('old')
    expect(await got).toBe('old')
    expect([cache.peek('k').outcome, await value(cache), await value(other())]).toEqual(['miss', 'miss', 'miss'])
  })

  it('1: a delete during a factory wins in memory alone, too', async () => {
    const cache = createCache()
    const origin = gate<string>()
    const got = cache.getOrSet('k', () => origin.promise)
    await cache.delete('k')
    origin.open('old')
    expect(await got).toBe('old')
    expect(cache.peek('k').outcome).toBe('miss')
  })

  it('1: a caller after the delete does not join the factory that began before it', async () => {
    const { cache } = bench()
    const origin = gate<string>()
    const before = cache.getOrSet('k', () => origin.promise)
    await cache.delete('k')
    const after = cache.getOrSet('k', () => 'new')
    expect(await after).toBe('new')
    origin.open('old')
    expect([await before, await value(cache)]).toEqual(['old', 'new'])
  })

  it('1: a delete by another process during a factory wins in the shared tiers and in memory', async () => {
    const { cache, other } = bench()
    const origin = gate<string>()
    const running = gate<undefined>()
    const got = cache.getOrSet('k', () => (running.open(undefined), origin.promise))
    await running.promise
    await other().delete('k')
    origin.open('old')
    expect(await got).toBe('old')
    expect([cache.peek('k').outcome, await value(cache), await value(other())]).toEqual(['miss', 'miss', 'miss'])
    expect(cache.stats().namespaces.things?.superseded).toBe(1)
  })

  it('4: a read of L2 in flight while the delete arrives is not kept in memory', async () => {
    const { cache, other, l2 } = bench()
    await other().set('k', 'old')
    const held = l2.hold('read', 'after')
    const reading = value(cache)
    await held.reached
    await cache.delete('k')
    held.release()
    expect(await reading).toBe('old')
    expect([cache.peek('k').outcome, await value(cache)]).toEqual(['miss', 'miss'])
  })

  it('4: a read that begins and ends while a delete is under way leaves nothing old in memory', async () => {
    const { cache, l2, other } = bench()
    await other().set('k', 'old')
    const held = l2.hold('delete')
    const deleting = cache.delete('k')
    await held.reached
    expect(await value(cache)).toBe('old')
    held.release()
    await deleting
    expect([cache.peek('k').outcome, await value(cache)]).toEqual(['miss', 'miss'])
  })

  it('4: a promotion from L3 under way while the key is deleted does not reach L2', async () => {
    const { cache, other, l2, l3 } = bench()
    await other().set('k', 'old')
    await l2.clear?.('default/v1/things')
    const held = l3.hold('fenced-read', 'after')
    const got = cache.getOrSet('k', () => 'new')
    await held.reached
    await other().delete('k')
    held.release()
    await got
    expect([cache.peek('k').outcome, await value(other())]).toEqual(['miss', 'miss'])
  })

  it('4: what L3 still has while a delete is under way does not outlive it in L2', async () => {
    const { cache, other, l2, l3 } = bench()
    await other().set('k', 'old')
    await l2.clear?.('default/v1/things')
    const held = l3.hold('delete')
    const deleting = other().delete('k')
    await held.reached
    expect(await cache.getOrSet('k', () => 'new')).toBe('old')
    held.release()
    await deleting
    expect(await value(other())).toBe('miss')
  })

  it('5: a set and a later delete of the same key keep their order however slow the set is', async () => {
    const { cache, other, l2 } = bench()
    const held = l2.hold('write')
    const setting = cache.set('k', 'old')
    await held.reached
    const deleting = cache.delete('k')
    held.release()
    await Promise.all([setting, deleting])
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
  })

  it('5: a write that outlived its budget and lands after a delete is dropped again', async () => {
    const { cache, other, l2, clock } = bench()
    const held = l2.hold('write')
    const setting = cache.set('k', 'old')
    await held.reached
    await clock.advance(60)
    expect(await setting).toMatchObject({ outcome: 'pending', tiers: ['l2'] })
    expect(await cache.delete('k')).toMatchObject({ outcome: 'pending' })
    await clock.advance(500)
    held.release()
    await clock.advance(10_000)
    expect(cache.status().tiers).toMatchObject([{ name: 'l2', state: 'ok', repairsPending: 0 }, { name: 'l3' }])
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
  })

  it('6: recovery drops what was invalidated and replays no old value over a newer one', async () => {
    const { cache, l2, clock, other } = bench()
    await cache.set('k', 'old')
    l2.fail('down')
    expect(await cache.set('k', 'newer')).toMatchObject({ outcome: 'pending', tiers: ['l2'] })
    l2.heal()
    await clock.advance(10_000)
    expect(l2.calls.filter((call) => call === 'write')).toHaveLength(2)
    expect(await value(other())).toBe('newer')
  })
})

describe('stampede', () => {
  it('9: a failing factory runs once for a hundred callers', async () => {
    const { cache } = bench()
    let runs = 0
    const factory = async (): Promise<never> => {
      runs++
      throw new Error('origin down')
    }
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => cache.getOrSet('k', factory)))
    expect(results.every((result) => result.status === 'rejected' && result.reason instanceof Error)).toBe(true)
    expect(runs).toBe(1)
    await expect(cache.getOrSet('k', () => 'up again')).resolves.toBe('up again')
  })

  it('9: a succeeding factory runs once for ten thousand cold callers', async () => {
    const { cache } = bench()
    let runs = 0
    const results = await Promise.all(Array.from({ length: 10_000 }, () => cache.getOrSet('k', async () => ++runs)))
    expect([new Set(results).size, runs]).toEqual([1, 1])
    expect(cache.stats().namespaces.things).toMatchObject({ factoryRuns: 1, factoryJoins: 9_999 })
  })

  it('11: the leader leaves and the followers still get the value', async () => {
    const { cache } = bench()
    const origin = gate<string>()
    const leader = new AbortController()
    const first = cache.getOrSet('k', () => origin.promise, { signal: leader.signal })
    const second = cache.getOrSet('k', () => 'not run')
    leader.abort(new Error('client went away'))
    await expect(first).rejects.toThrow('client went away')
    origin.open('value')
    expect(await second).toBe('value')
  })

  it('11: the last caller to leave aborts the factory, and a new caller starts afresh', async () => {
    const { cache } = bench()
    const signals: AbortSignal[] = []
    const running = gate<undefined>()
    const callers = [new AbortController(), new AbortController()]
    const waiting = callers.map((caller) =>
      cache.getOrSet('k', (context) => (signals.push(context.signal), running.open(undefined), new Promise<string>(() => {})), {
        signal: caller.signal,
      }),
    )
    const settled = Promise.allSettled(waiting)
    await running.promise
    callers[0]?.abort()
    expect(signals.map((signal) => signal.aborted)).toEqual([false])
    callers[1]?.abort()
    expect(signals.map((signal) => signal.aborted)).toEqual([true])
    expect((await settled).map((result) => result.status)).toEqual(['rejected', 'rejected'])
    expect(await cache.getOrSet('k', () => 'afresh')).toBe('afresh')
  })

  it('12: a factory that throws or returns undefined leaves the key usable', async () => {
    const { cache } = bench()
    const thrower = (): never => {
      throw new Error('sync')
    }
    await expect(cache.getOrSet('k', thrower)).rejects.toThrow('sync')
    await expect(cache.getOrSet('k', () => undefined)).rejects.toMatchObject({ code: 'CACHE_VALUE_INVALID' })
    expect(await cache.getOrSet('k', () => 1)).toBe(1)
  })

  it('13: a hung factory is ended by its deadline, its signal aborts, and the key is free again', async () => {
    const { cache, clock } = bench({ policy: { factoryTimeoutMs: 1_000 } })
    let signal: AbortSignal | undefined
    const got = cache.getOrSet('k', (context) => ((signal = context.signal), new Promise<string>(() => {})))
    const refused = expect(got).rejects.toMatchObject({ code: 'CACHE_FACTORY_TIMEOUT' })
    await clock.advance(1_001)
    await refused
    expect(signal?.aborted).toBe(true)
    expect(await cache.getOrSet('k', () => 'next')).toBe('next')
  })

  it('14: nothing stays locked when a tier is skipped or a write throws', async () => {
    const { cache, l2, clock } = bench()
    l2.fail('rejects', ['write', 'fill'])
    expect(await cache.getOrSet('k', () => 'a')).toBe('a')
    expect(await cache.set('k', 'b')).toMatchObject({ outcome: 'pending' })
    expect(await cache.getOrSet('other', () => 'c', {})).toBe('c')
    await clock.advance(1_000)
    await cache.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it.each([[undefined], [null], [0], [''], [false]])(
    '17: a factory that rejects with %s rejects its callers with just that',
    async (reason) => {
      const { cache } = bench()
      const outcomes = await Promise.allSettled([
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the subject
        cache.getOrSet('k', () => Promise.reject(reason)),
        cache.getOrSet('k', () => 'joined'),
      ])
      expect(outcomes).toEqual([
        { status: 'rejected', reason },
        { status: 'rejected', reason },
      ])
    },
  )

  it('18: eviction from memory does not disturb a factory under way', async () => {
    const { cache } = bench({ memory: { maxEntries: 1 } })
    const origin = gate<string>()
    const got = cache.getOrSet('k', () => origin.promise)
    await cache.set('a', 1)
    await cache.set('b', 2)
    origin.open('value')
    expect(await got).toBe('value')
  })
})

describe('time to live and promotion', () => {
  it('19: promotion gives the upper tiers only what is left', async () => {
    const { cache, other, clock, l2 } = bench({ policy: { memoryTtlMs: 600_000 } })
    await other().set('k', 'v', { ttlMs: 60_000 })
    await l2.clear?.('default/v1/things')
    await clock.advance(50_000)
    expect(await cache.getOrSet('k', () => 'not run')).toBe('v')
    await clock.advance(9_000)
    expect(cache.peek('k')).toMatchObject({ outcome: 'hit', ageMs: 59_000 })
    await clock.advance(1_001)
    expect([cache.peek('k').outcome, await value(cache)]).toEqual(['miss', 'miss'])
  })

  it('20: memory keeps nothing longer than its own cap', async () => {
    const { cache, other, clock } = bench({ policy: { ttlMs: 3_600_000, memoryTtlMs: 5_000 } })
    await other().set('k', 'v')
    expect(await value(cache)).toBe('v')
    await clock.advance(5_000)
    expect(cache.peek('k').outcome).toBe('miss')
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', tier: 'l2', ageMs: 5_000 })
  })

  it('21: a grace shorter than the time to live does not shorten it', async () => {
    const { cache, clock } = bench({ policy: { ttlMs: 10_000, graceMs: 1_000 } })
    await cache.set('k', 'v')
    await clock.advance(9_999)
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', stale: false })
    await clock.advance(1)
    expect((await cache.get('k')).outcome).toBe('miss')
    expect(await cache.get('k', { allowStale: true })).toMatchObject({ outcome: 'hit', stale: true, ageMs: 10_000 })
    await clock.advance(1_000)
    expect((await cache.get('k', { allowStale: true })).outcome).toBe('miss')
  })

  it('22: forty days are forty days', async () => {
    const { cache, clock } = bench({ policy: { ttlMs: 40 * 86_400_000, memoryTtlMs: 40 * 86_400_000 } })
    await cache.set('k', 'v')
    await clock.advance(39 * 86_400_000)
    expect(cache.peek('k').outcome).toBe('hit')
    await clock.advance(86_400_000)
    expect(await value(cache)).toBe('miss')
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e15, '60' as unknown as number])(
    '23: a time to live of %s is refused',
    async (ttlMs) => {
      const { cache } = bench()
      await expect(cache.set('k', 'v', { ttlMs })).rejects.toMatchObject({ code: 'CACHE_TTL_INVALID' })
      expect(() => definePolicy({ name: 'x', ttlMs })).toThrow(expect.objectContaining({ code: 'CACHE_TTL_INVALID' }))
      expect(await value(cache)).toBe('miss')
    },
  )

  it('23: half a second is half a second', async () => {
    const { cache, clock } = bench()
    await cache.set('k', 'v', { ttlMs: 500 })
    await clock.advance(499)
    expect(await value(cache)).toBe('v')
    await clock.advance(1)
    expect(await value(cache)).toBe('miss')
  })

  it('24 and 25: a wall clock that jumps, here or in another process, changes no lifetime and no age', async () => {
    const { cache, other, clock } = bench()
    await other().set('k', 'v')
    clock.jumpWallClock(-3_600_000)
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', ageMs: 0 })
    clock.jumpWallClock(7_200_000)
    await clock.advance(59_999)
    expect(await value(other())).toBe('v')
    await clock.advance(1)
    expect([await value(cache), await value(other())]).toEqual(['miss', 'miss'])
  })

  it('26: reading does not extend a life', async () => {
    const { cache, clock } = bench()
    await cache.set('k', 'v')
    for (let second = 0; second < 6; second++) {
      await value(cache)
      await clock.advance(10_000)
    }
    expect(await value(cache)).toBe('miss')
  })

  it('7: a stale value after a failed factory is retried at now plus the wait, not at once for every caller', async () => {
    const { cache, clock } = bench({ policy: { ttlMs: 1_000, graceMs: 60_000, retryAfterMs: 5_000 } })
    let runs = 0
    const failing = async (): Promise<string> => {
      runs++
      throw new Error('origin down')
    }
    await cache.set('k', 'v')
    await clock.advance(30_000)
    for (let call = 0; call < 50; call++) expect(await cache.getOrSet('k', failing)).toBe('v')
    expect(runs).toBe(1)
    await clock.advance(5_000)
    expect(await cache.getOrSet('k', failing)).toBe('v')
    expect(runs).toBe(2)
    await clock.advance(26_001)
    await expect(cache.getOrSet('k', failing)).rejects.toThrow('origin down')
  })
})

describe('values', () => {
  it.each([[0], [''], [false], [null], [[]], [{}]])('27: %j from a lower tier is a value, not a miss', async (falsy) => {
    const { cache, other } = bench()
    await other().set('k', falsy)
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', tier: 'l2', value: falsy })
    expect(await cache.get('k')).toMatchObject({ outcome: 'hit', tier: 'memory', value: falsy })
    expect(await cache.getOrSet('k', () => 'recomputed')).toEqual(falsy)
  })

  it('28: a factory error reaches the caller as it is', async () => {
    const { cache } = bench()
    const error = new Error('origin down')
    await expect(cache.getOrSet('k', () => Promise.reject(error))).rejects.toBe(error)
    expect(cache.stats().namespaces.things).toMatchObject({ factoryFailures: 1, sets: 0 })
  })

  it('29: a key has one type whichever tier answers', async () => {
    const { cache, other } = bench()
    const stored = { at: new Date(0), total: 12n, text: '123', map: new Map([['a', Buffer.from('b')]]) }
    await cache.set('k', stored)
    const [fromMemory, fromL2] = [await value(cache), await value(other())]
    expect(fromMemory).toStrictEqual(fromL2)
    expect(fromL2).toStrictEqual(stored)
  })

  it('30: no caller can change what others get', async () => {
    const { cache } = bench()
    await cache.set('plain', { list: [1] })
    const plain = (await value(cache, 'plain')) as { list: number[] }
    expect(() => plain.list.push(2)).toThrow(TypeError)
    const original = { at: new Date(0), tags: new Set(['a']) }
    await cache.set('special', original)
    original.tags.add('by the writer')
    const first = (await value(cache, 'special')) as typeof original
    first.at.setTime(99)
    first.tags.add('by a reader')
    expect(await value(cache, 'special')).toStrictEqual({ at: new Date(0), tags: new Set(['a']) })
  })

  it('30: callers who share a factory run get their own copies where the policy clones', async () => {
    const { cache } = bench({ policy: { clone: true } })
    const run = async (): Promise<{ n: number }> => ({ n: 1 })
    const [one, two] = (await Promise.all([cache.getOrSet('k', run), cache.getOrSet('k', run)])) as [{ n: number }, { n: number }]
    one.n = 2
    expect([two.n, await value(cache)]).toEqual([1, { n: 1 }])
  })

  it('31: after a deploy that changes the shape, older entries are misses', async () => {
    const { cache, l2, l3, clock } = bench()
    await cache.set('k', { amount: 1 })
    const next = createCache({ clock, tiers: [l2, l3], defaultPolicy: definePolicy({ ...QUIET, schemaVersion: '2' }) })
    expect((await next.get('k')).outcome).toBe('miss')
    expect(next.stats().namespaces.things?.badEntries).toEqual({ schema: 2 })
  })

  it('32: a damaged entry is counted once, removed, and not met again', async () => {
    const { cache, l2, l3 } = bench()
    const key = { namespace: 'default/v1/things', id: 'default/v1/things/k' }
    await l2.write(key, { payload: Buffer.from('{"legacy":true}'), ttlMs: 60_000 })
    await l3.write(key, { payload: Buffer.alloc(200, 1), ttlMs: 60_000 })
    const errors: string[] = []
    cache.on('error', ({ error }) => errors.push((error as Error & { code: string }).code))
    expect([await value(cache), await value(cache)]).toEqual(['miss', 'miss'])
    expect(cache.stats().namespaces.things).toMatchObject({ badEntries: { truncated: 1, magic: 1 }, misses: 2 })
    expect(errors).toEqual(['CACHE_ENTRY_INVALID', 'CACHE_ENTRY_INVALID'])
    expect(await l2.read(key)).toMatchObject({ entry: undefined })
  })

  it('32: while a damaged entry is removed, a newer good one survives', async () => {
    const { cache, other, l2, l3 } = bench()
    const key = { namespace: 'default/v1/things', id: 'default/v1/things/k' }
    await l2.write(key, { payload: Buffer.from('bad'), ttlMs: 60_000 })
    const held = l2.hold('discard')
    const reading = value(cache)
    await held.reached
    await other().set('k', 'good')
    held.release()
    await reading
    expect(await l2.read(key)).toMatchObject({ entry: { remainingMs: 60_000 } })
    expect(await value(other())).toBe('good')
    expect(l3.calls).toContain('write')
  })

  it('33: namespaces and keys never meet, and clearing one namespace leaves the others', async () => {
    const { cache, clock } = bench()
    const names = ['users', 'usersAbc', 'users_bc', 'users:abc', 'users.bc']
    const spaces = names.map((name) => cache.namespace(definePolicy({ name, ttlMs: 1_000 })))
    for (const space of spaces) await space.set('abc:k', space.name)
    await spaces[0]?.clear()
    const after = await Promise.all(spaces.map((space) => space.get('abc:k')))
    expect(after.map((lookup) => (lookup.outcome === 'hit' ? lookup.value : lookup.outcome))).toEqual(['miss', ...names.slice(1)])
    await clock.advance(1)
  })

  it.each([
    ['an empty key', ''],
    ['a line break', 'a\nb'],
    ['a null character', 'a\u0000'],
    ['a C1 control character', 'a\u0085'],
    ['a lone surrogate', 'x\ud800'],
    ['1,026 bytes of UTF-8', 'é'.repeat(513)],
  ])('33: %s is refused', async (_name, key) => {
    const { cache } = bench()
    await expect(cache.get(key)).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' })
    await expect(cache.set(key, 1)).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' })
    await expect(cache.getOrSet(key, () => 1)).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' })
    expect(() => cache.peek(key)).toThrow(expect.objectContaining({ code: 'CACHE_KEY_INVALID' }))
  })

  it.each([
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['toString', 'toString'],
    ['a/b', 'a/b'],
    ['../x', '../x'],
    ['*', '*'],
    ['1,024 bytes of UTF-8', 'é'.repeat(512)],
  ])('33: %s is a key like any other', async (_name, key) => {
    const { cache, other } = bench()
    expect(await value(cache, key)).toBe('miss')
    await cache.set(key, 'v')
    expect([await value(cache, key), await value(other(), key), await value(cache, 'other')]).toEqual(['v', 'v', 'miss'])
  })
})
