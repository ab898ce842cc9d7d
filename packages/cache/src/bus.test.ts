import { afterEach, describe, expect, it } from 'vitest'
import { bench, gate, value, type Bench } from '../test/fault-bench.ts'
import type { Cache } from './cache.ts'

/** The numbers are those of the list of pitfalls on the cache's design page. */

const running: Cache[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((cache) => cache.stop()))
})

async function started(options: Parameters<typeof bench>[0] = {}): Promise<Bench & { readonly second: Cache }> {
  const made = bench({ clocked: true, ...options })
  const second = made.other()
  running.push(made.cache, second)
  await Promise.all(running.map((cache) => cache.start()))
  return { ...made, second }
}

describe('memory of another process', () => {
  it('learns of a delete, a set, tags and a clear at once over the bus', async () => {
    const { cache, second } = await started()
    const changes = [
      (): Promise<unknown> => cache.delete('k'),
      (): Promise<unknown> => cache.set('k', 'new'),
      (): Promise<unknown> => cache.invalidateTags(['x']),
      (): Promise<unknown> => cache.clear(),
    ]
    for (const change of changes) {
      await cache.set('k', 'old', { tags: ['x'] })
      expect(await value(second)).toBe('old')
      expect(second.peek('k').outcome).toBe('hit')
      await change()
      expect(second.peek('k').outcome).toBe('miss')
    }
  })

  it('keeps what the message does not name, and what it wrote itself', async () => {
    const { cache, second } = await started()
    await cache.set('mine', 'v')
    await cache.set('kept', 'v', { tags: ['y'] })
    expect([await value(second, 'mine'), await value(second, 'kept')]).toEqual(['v', 'v'])
    await second.set('other', 1)
    await cache.invalidateTags(['x'])
    expect([cache.peek('mine').outcome, second.peek('kept').outcome, second.peek('other').outcome]).toEqual(['hit', 'hit', 'hit'])
  })

  it('46: a set by one process makes no other read the shared tiers; the next caller of each does, once', async () => {
    const { cache, second, other, l2 } = await started()
    const third = other()
    running.push(third)
    await third.start()
    await cache.set('k', 'old')
    for (const each of [second, third]) expect(await value(each)).toBe('old')
    l2.calls.length = 0
    await cache.set('k', 'new')
    expect(l2.calls.filter((call) => call === 'read' || call === 'fenced-read')).toEqual([])
    const callers = [second, third].flatMap((each) => Array.from({ length: 100 }, () => value(each)))
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['new']))
    expect(l2.calls.filter((call) => call === 'read')).toHaveLength(2)
  })

  it('4: a message that arrives while L2 is read, or a factory runs, wins', async () => {
    const { cache, second, l2 } = await started()
    await cache.set('k', 'old')
    const held = l2.hold('read', 'after')
    const reading = value(second)
    await held.reached
    await cache.set('k', 'new')
    held.release()
    expect(await reading).toBe('old')
    expect(second.peek('k').outcome).toBe('miss')
    const origin = gate<string>()
    const begun = gate<undefined>()
    const got = second.getOrSet('f', () => (begun.open(undefined), origin.promise))
    await begun.promise
    await cache.set('f', 'set meanwhile')
    origin.open('old')
    await got
    expect([await value(second, 'f'), await value(cache, 'f')]).toEqual(['set meanwhile', 'set meanwhile'])
  })

  it('is behind by verifyWithinMs at most when every message is lost', async () => {
    const { cache, second, l2, clock } = await started()
    await cache.set('k', 'old', { tags: ['x'] })
    for (const change of [(): Promise<unknown> => cache.delete('k'), (): Promise<unknown> => cache.invalidateTags(['x'])]) {
      await cache.set('k', 'old', { tags: ['x'] })
      await value(second)
      l2.deafen()
      await change()
      expect(second.peek('k').outcome).toBe('hit')
      await clock.advance(1_000)
      expect(second.peek('k').outcome).toBe('miss')
      l2.hearAgain()
    }
  })

  it('42: asks what it missed as soon as its subscription is back', async () => {
    const { cache, second, l2, clock } = await started()
    await cache.set('k', 'old')
    await value(second)
    l2.deafen()
    await cache.delete('k')
    l2.hearAgain()
    await clock.advance(1)
    expect(second.peek('k').outcome).toBe('miss')
  })

  it('notices a lost message by the next one', async () => {
    const { cache, second, l2, clock } = await started()
    await cache.setMany([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ])
    await second.getMany(['a', 'b', 'c'])
    const resyncs: unknown[] = []
    second.on('resync', (event) => resyncs.push(event))
    l2.deafen()
    await cache.delete('a')
    await cache.delete('b')
    l2.hear()
    expect(second.peek('a').outcome).toBe('hit')
    await cache.delete('other')
    await clock.advance(0)
    expect(['a', 'b', 'c'].map((key) => second.peek(key).outcome)).toEqual(['miss', 'miss', 'hit'])
    expect(resyncs).toEqual([])
  })

  it('is dropped as a whole when more was missed than the log tells', async () => {
    const { cache, second, l2, clock } = await started()
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ])
    await second.getMany(['a', 'b'])
    const resyncs: unknown[] = []
    second.on('resync', (event) => resyncs.push(event))
    l2.deafen()
    for (let index = 0; index < 1_100; index++) await cache.delete(index === 0 ? 'a' : `x${index}`)
    await clock.advance(1_000)
    expect(resyncs).toEqual([{ namespace: 'things', reason: 'gap' }])
    expect(second.peek('b').outcome).toBe('miss')
    expect([await value(second, 'a'), await value(second, 'b')]).toEqual(['miss', 2])
  })

  it('serves nothing it kept once it has not been able to ask for verifyWithinMs', async () => {
    const { second, cache, l2, clock } = await started()
    await cache.set('k', 'old')
    await value(second)
    l2.fail('down', ['clock-read', 'advance', 'read'])
    await clock.advance(2_900)
    expect(second.peek('k').outcome).toBe('hit')
    await clock.advance(101)
    expect(second.peek('k').outcome).toBe('miss')
    l2.heal()
    await clock.advance(20_000)
    expect(await value(second)).toBe('old')
  })

  it('asks only about namespaces of which memory holds something', async () => {
    const { cache, l2, clock } = await started()
    await cache.get('absent')
    l2.calls.length = 0
    await clock.advance(10_000)
    expect(l2.calls).toEqual([])
    await cache.set('k', 'v')
    l2.calls.length = 0
    await clock.advance(10_000)
    expect(l2.calls.filter((call) => call === 'clock-read').length).toBeGreaterThanOrEqual(10)
  })

  it('leaves no timer when it is stopped', async () => {
    const { cache, second, clock, l2 } = await started()
    await cache.set('k', 'v')
    l2.fail('rejects', ['advance'])
    await second.delete('k')
    await Promise.all(running.splice(0).map((each) => each.stop()))
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('what many change at once', () => {
  it('goes to the clock together', async () => {
    const { cache, second, l2 } = await started()
    const keys = Array.from({ length: 500 }, (_, index) => `k${index}`)
    await cache.setMany(keys.map((key) => [key, 1] as const))
    await second.getMany(keys)
    l2.calls.length = 0
    await cache.deleteMany(keys)
    expect(l2.calls.filter((call) => call === 'advance').length).toBeLessThan(50)
    expect(keys.filter((key) => second.peek(key).outcome === 'hit')).toEqual([])
  })
})

describe('a session', () => {
  it('reads in another process what it wrote here, inserts and deletes included, though every message was lost', async () => {
    const { cache, second, l2 } = await started({ policy: { negativeTtlMs: 60_000 } })
    await cache.set('old', 'old')
    await cache.set('gone', 'here')
    await second.getOrSet('new', () => undefined)
    await second.getMany(['old', 'gone', 'new'])
    l2.deafen()
    const token = await cache.session(async () => {
      await cache.set('old', 'written')
      await cache.set('new', 'inserted')
      await cache.delete('gone')
      return cache.sessionToken()
    })
    expect([second.peek('old'), second.peek('gone')]).toMatchObject([{ value: 'old' }, { value: 'here' }])
    const seen = await second.session(() => Promise.all(['old', 'new', 'gone'].map((key) => value(second, key))), token)
    expect(seen).toEqual(['written', 'inserted', 'miss'])
    expect(cache.sessionToken()).toBeUndefined()
  })

  it('does not join a factory that began before what it wrote', async () => {
    const { cache, second, l2 } = await started()
    l2.deafen()
    const origin = gate<string>()
    const begun = gate<undefined>()
    const before = second.getOrSet('k', () => (begun.open(undefined), origin.promise))
    await begun.promise
    const token = await cache.session(async () => (await cache.set('k', 'written'), cache.sessionToken()))
    expect(await second.session(() => second.getOrSet('k', () => 'not run'), token)).toBe('written')
    origin.open('old')
    await before
    expect(await second.session(() => value(second), token)).toBe('written')
  })

  it('is given nothing older than its token where the clock does not know of it any more', async () => {
    const { cache, second, clock } = await started()
    await cache.set('k', 'old')
    await clock.advance(2_000)
    const known = await cache.session(async () => (await cache.set('other', 1), cache.sessionToken()))
    const [namespace, sequence] = known?.split('=') ?? []
    const token = `${namespace}=${Number(sequence) + 3_600_000_000}`
    const [read, produced] = await second.session(async () => [await value(second), await second.getOrSet('k', () => 'produced')], token)
    expect([read, produced]).toEqual(['miss', 'produced'])
  })

  it.each(['x', 'things=', 'things=-1', 'a b=1', 'things=1;other=2', 'x'.repeat(20_000)])(
    'refuses a token that is none: %j',
    async (token) => {
      const { cache } = await started()
      expect(() => cache.session(() => 1, token)).toThrow(expect.objectContaining({ code: 'CACHE_OPTION_INVALID' }))
    },
  )
})
