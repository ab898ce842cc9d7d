import { describe, expect, it } from 'vitest'
import type { Invalidation } from '../src/consistency/invalidation.ts'
import type { ClockReading } from '../src/consistency/logical-clock.ts'
import type { Tier } from '../src/tiers/tier.ts'
import { freshKey } from './tier-conformance.ts'

const NOTHING: Invalidation = { keys: [], tags: [], all: false }
let namespaces = 0

export interface ClockConformanceOptions {
  readonly tier: () => Tier
  readonly pass: (ms: number) => Promise<void>
  /** More invalidations than the clock remembers. */
  readonly beyondLog: number
}

/** What every tier's logical clock and lease do alike, whatever they are made of. */
export function clockConformance(name: string, options: ClockConformanceOptions): void {
  const clock = () => {
    const found = options.tier().clock
    if (found === undefined) throw new Error('the tier has no clock')
    return found
  }
  const freshNamespace = (): string => `clock/${process.pid}-${Date.now().toString(36)}/ns${++namespaces}`
  const advance = (namespace: string, what: Partial<Invalidation> = {}, since = 0): Promise<ClockReading> =>
    clock().advance({ namespace, origin: 'tester', what: { ...NOTHING, ...what }, since })
  const read = (namespace: string, since = 0, tags: readonly string[] = []): Promise<ClockReading> =>
    clock().read({ namespace, since, tags })

  describe(`logical clock: ${name}`, () => {
    it('begins with its floor at its sequence, which is then remembered', async () => {
      const namespace = freshNamespace()
      const first = await read(namespace)
      expect(first.floor).toBe(first.sequence)
      expect(Number.isSafeInteger(first.sequence)).toBe(true)
      expect(await read(namespace)).toMatchObject({ sequence: first.sequence, floor: first.floor })
    })

    it('rises with each invalidation, and marks its tags and no others', async () => {
      const namespace = freshNamespace()
      const { sequence: start } = await read(namespace)
      const first = await advance(namespace, { tags: ['a', 'b'] }, start)
      const second = await advance(namespace, { tags: ['b'] }, first.sequence)
      expect(first.sequence).toBeGreaterThan(start)
      expect(second.sequence).toBeGreaterThan(first.sequence)
      const { marks, floor } = await read(namespace, second.sequence, ['a', 'b', 'c', '__proto__', 'constructor'])
      expect([marks, floor]).toEqual([[first.sequence, second.sequence, start, start, start], start])
    })

    it('tells what was missed, in order, its own included, with keys and tags as they were given', async () => {
      const namespace = freshNamespace()
      const { sequence: start } = await read(namespace)
      const one = await advance(namespace, { keys: ['k 1', 'ção', '{x}'] }, start)
      const two = await advance(namespace, { tags: ['t "quoted"'] }, one.sequence)
      const three = await advance(namespace, { all: true }, start)
      const messages = [
        { keys: ['k 1', 'ção', '{x}'], tags: [], all: false, sequence: one.sequence, previous: start, origin: 'tester', namespace },
        { keys: [], tags: ['t "quoted"'], all: false, sequence: two.sequence, previous: one.sequence },
        { keys: [], tags: [], all: true, sequence: three.sequence, previous: two.sequence },
      ]
      expect(three.missed).toMatchObject({ kind: 'chain', messages })
      expect((await read(namespace, one.sequence)).missed).toMatchObject({ kind: 'chain', messages: messages.slice(1) })
      expect(await read(namespace, three.sequence)).toMatchObject({ floor: three.sequence, missed: { kind: 'chain', messages: [] } })
    })

    it('gives concurrent invalidations different places in one chain', async () => {
      const namespace = freshNamespace()
      const { sequence: start } = await read(namespace)
      const all = await Promise.all(Array.from({ length: 20 }, (_, index) => advance(namespace, { keys: [`k${index}`] }, start)))
      expect(new Set(all.map(({ sequence }) => sequence)).size).toBe(20)
      const { missed } = await read(namespace, start)
      if (missed.kind !== 'chain') throw new Error(`expected a chain, got ${missed.kind}`)
      expect(missed.messages.flatMap(({ keys }) => keys).toSorted()).toEqual(all.map((_, index) => `k${index}`).toSorted())
    })

    it('says so when it is asked for more than its log holds', async () => {
      const namespace = freshNamespace()
      const { sequence: start } = await read(namespace)
      for (let step = 0; step < options.beyondLog; step++) await advance(namespace, { keys: ['k'] })
      expect((await read(namespace, start)).missed).toEqual({ kind: 'trimmed' })
    }, 60_000)

    it('that is behind what was seen of it begins anew above that, believing nothing older', async () => {
      const namespace = freshNamespace()
      const { sequence } = await advance(namespace, { tags: ['t'] })
      const seen = sequence + 1_000_000_000
      const after = await read(namespace, seen, ['t', 'u'])
      expect(after.sequence).toBeGreaterThan(seen)
      expect([after.floor, ...after.marks]).toEqual([after.sequence, after.sequence, after.sequence])
      expect(after.missed.kind).toBe('trimmed')
    })

    it('knows when the past that is asked for never was', async () => {
      const namespace = freshNamespace()
      await read(namespace)
      await options.pass(1_200)
      const first = await advance(namespace)
      await options.pass(2)
      const second = await advance(namespace, {}, first.sequence)
      const between = Math.floor((first.sequence + second.sequence) / 2)
      expect(between).toBeGreaterThan(first.sequence)
      expect((await read(namespace, between)).missed).toEqual({ kind: 'diverged' })
    })

    it('keeps namespaces apart', async () => {
      const [one, two] = [freshNamespace(), freshNamespace()]
      const { sequence } = await read(two)
      await advance(one, { tags: ['t'], all: true })
      expect(await read(two, sequence, ['t'])).toMatchObject({ sequence, floor: sequence, marks: [sequence] })
    })
  })

  describe(`lease: ${name}`, () => {
    const lease = () => {
      const found = options.tier().lease
      if (found === undefined) throw new Error('the tier has no lease')
      return found
    }
    const fence = () => {
      const found = options.tier().fence
      if (found === undefined) throw new Error('the tier has no fence')
      return found
    }
    const ask = (token: string, leaseMs = 60_000) => ({ token, leaseMs })

    it('is given with the read that found nothing, to one reader at a time', async () => {
      const key = freshKey()
      const reads = await Promise.all(['a', 'b', 'c'].map((token) => fence().read(key, 60_000, ask(token))))
      expect(reads.map((read) => read.lease?.outcome).toSorted()).toEqual(['granted', 'held', 'held'])
      const held = reads.find((read) => read.lease?.outcome === 'held')?.lease
      expect(held?.outcome === 'held' && held.leftMs).toBeGreaterThan(50_000)
    })

    it('10 and 15: cannot be given back or renewed by anyone but its holder', async () => {
      const key = freshKey()
      await fence().read(key, 60_000, ask('holder'))
      await lease().release(key, 'stranger')
      expect(await lease().renew(key, ask('stranger'))).toBe(false)
      expect(await lease().acquire(key, ask('stranger'))).toMatchObject({ outcome: 'held' })
      expect(await lease().renew(key, ask('holder'))).toBe(true)
    })

    it('10: given back twice, it is not taken from the next holder', async () => {
      const key = freshKey()
      await fence().read(key, 60_000, ask('first'))
      await lease().release(key, 'first')
      expect(await lease().acquire(key, ask('second'))).toEqual({ outcome: 'granted' })
      await lease().release(key, 'first')
      expect(await lease().acquire(key, ask('third'))).toMatchObject({ outcome: 'held' })
    })

    it('16: runs out when its holder is silent, and lasts while it is renewed', async () => {
      const [silent, renewed] = [freshKey(), freshKey()]
      await fence().read(silent, 60_000, ask('holder', 100))
      await fence().read(renewed, 60_000, ask('holder', 100))
      await lease().renew(renewed, ask('holder', 60_000))
      await options.pass(250)
      expect(await lease().acquire(silent, ask('next'))).toEqual({ outcome: 'granted' })
      expect(await lease().acquire(renewed, ask('next'))).toMatchObject({ outcome: 'held' })
    })

    it('outlasts an entry that ends while it is refreshed, and so does the right to fill it', async () => {
      const key = freshKey()
      await options.tier().write(key, { payload: Buffer.from('stale'), ttlMs: 300 })
      const { generation } = await fence().read(key, 60_000)
      if (generation === undefined) throw new Error('an entry of a fencing tier has a generation')
      expect(await lease().acquire(key, ask('holder'))).toEqual({ outcome: 'granted' })
      await options.pass(500)
      const over = await options.tier().read(key)
      expect(over.entry?.remainingMs ?? 0).toBe(0)
      const next = await fence().read(key, 60_000, ask('next'))
      expect(next.lease ?? (await lease().acquire(key, ask('next')))).toMatchObject({ outcome: 'held' })
      expect(await fence().fill(key, { payload: Buffer.from('fresh'), ttlMs: 60_000 }, generation)).toBe('stored')
      const filled = (await options.tier().read(key)).entry
      expect([filled?.payload.toString(), Math.round((filled?.remainingMs ?? 0) / 10_000)]).toEqual(['fresh', 6])
      if (lease().outlastsFill === true) await lease().release(key, 'holder')
      expect(await lease().acquire(key, ask('next'))).toEqual({ outcome: 'granted' })
    })

    it('can be asked for where there is an entry, and then leaves it as it is', async () => {
      const key = freshKey()
      await options.tier().write(key, { payload: Buffer.from('stale'), ttlMs: 60_000 })
      expect((await fence().read(key, 60_000, ask('a'))).lease).toBeUndefined()
      expect(await lease().acquire(key, ask('a'))).toEqual({ outcome: 'granted' })
      expect(await lease().acquire(key, ask('b'))).toMatchObject({ outcome: 'held' })
      expect((await options.tier().read(key)).entry?.payload.toString()).toBe('stale')
    })
  })
}
