import { describe, expect, it } from 'vitest'
import type { TierKey } from '../src/key.ts'
import type { Tier } from '../src/tiers/tier.ts'

export interface ConformanceOptions {
  /** The tier under test; its keys are new to it in each run. */
  readonly tier: () => Tier
  /** Lets the tier's own time pass. Real services wait, so tests ask for little. */
  readonly pass: (ms: number) => Promise<void>
  readonly fenced: boolean
}

let keys = 0
const run = `${process.pid}-${Date.now().toString(36)}`

export function freshKey(namespace = `conformance/${run}/plain`): TierKey {
  return { namespace, id: `${namespace}/key ção ${++keys}` }
}

/** What every tier does alike, whatever it is made of. */
export function tierConformance(name: string, options: ConformanceOptions): void {
  const payload = (text: string): Buffer => Buffer.from(text)
  const write = (text: string, ttlMs = 60_000) => ({ payload: payload(text), ttlMs })
  const textAt = async (key: TierKey): Promise<string | undefined> => (await options.tier().read(key)).entry?.payload.toString()

  describe(`tier conformance: ${name}`, () => {
    it('has nothing under a new key', async () => {
      expect(await options.tier().read(freshKey())).toMatchObject({ entry: undefined })
    })

    it('returns what was written, byte for byte, with what is left of its life', async () => {
      const key = freshKey()
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
      await options.tier().write(key, { payload: bytes, ttlMs: 60_000 })
      const { entry } = await options.tier().read(key)
      expect(entry?.payload.equals(bytes)).toBe(true)
      expect(entry?.remainingMs).toBeGreaterThan(50_000)
      expect(entry?.remainingMs).toBeLessThanOrEqual(60_000)
    })

    it('keeps a payload of a megabyte', async () => {
      const key = freshKey()
      const bytes = Buffer.alloc(1_048_576, 7)
      await options.tier().write(key, { payload: bytes, ttlMs: 60_000 })
      expect((await options.tier().read(key)).entry?.payload.equals(bytes)).toBe(true)
    })

    it('replaces on a second write, lifetime included', async () => {
      const key = freshKey()
      await options.tier().write(key, write('one', 600_000))
      await options.tier().write(key, write('two', 60_000))
      const { entry } = await options.tier().read(key)
      expect(entry?.payload.toString()).toBe('two')
      expect(entry?.remainingMs).toBeLessThanOrEqual(60_000)
    })

    it('forgets after a sub-second time to live', async () => {
      const key = freshKey()
      await options.tier().write(key, write('brief', 40))
      await options.pass(120)
      expect(await textAt(key)).toBeUndefined()
    })

    it('keeps for longer than a 32-bit timer can count', async () => {
      const key = freshKey()
      await options.tier().write(key, write('long', 40 * 24 * 3_600_000))
      expect((await options.tier().read(key)).entry?.remainingMs).toBeGreaterThan(39 * 24 * 3_600_000)
    })

    it('tells whether a delete found something', async () => {
      const key = freshKey()
      await options.tier().write(key, write('here'))
      expect(await options.tier().delete(key)).toBe(true)
      expect(await options.tier().delete(key)).toBe(false)
      expect(await textAt(key)).toBeUndefined()
    })

    it('keeps keys apart that differ in case, in a trailing space or by accents', async () => {
      const base = freshKey()
      const variants = ['', ' ', 'A', 'a', 'á', 'a\u0301', '%', '_', '*'].map((end) => ({ ...base, id: base.id + end }))
      await Promise.all(variants.map((key, index) => options.tier().write(key, write(String(index)))))
      expect(await Promise.all(variants.map(textAt))).toEqual(variants.map((_, index) => String(index)))
    })

    it('passes its own probe', async () => {
      await expect(options.tier().probe()).resolves.toBeUndefined()
    })

    if (options.fenced) fenceConformance(options)
    else it('says that it has no fence', () => expect(options.tier().fence).toBeUndefined())
  })
}

function fenceConformance(options: ConformanceOptions): void {
  const write = (text: string, ttlMs = 60_000) => ({ payload: Buffer.from(text), ttlMs })
  const textAt = async (key: TierKey): Promise<string | undefined> => (await options.tier().read(key)).entry?.payload.toString()
  const fence = () => {
    const found = options.tier().fence
    if (found === undefined) throw new Error('the tier has no fence')
    return found
  }
  const open = async (key: TierKey, windowMs = 60_000) => {
    const { generation } = await fence().read(key, windowMs)
    if (generation === undefined) throw new Error('no fill window was opened')
    return generation
  }

  it('stores a fill when nothing happened since the read', async () => {
    const key = freshKey()
    expect(await fence().fill(key, write('new'), await open(key))).toBe('stored')
    expect(await textAt(key)).toBe('new')
  })

  it('shows nothing while a fill window is open', async () => {
    const key = freshKey()
    await open(key)
    expect((await options.tier().read(key)).entry).toBeUndefined()
    expect(await options.tier().delete(key)).toBe(false)
  })

  it('refuses a fill after a delete, though there was nothing to delete', async () => {
    const key = freshKey()
    const generation = await open(key)
    await options.tier().delete(key)
    expect(await fence().fill(key, write('old'), generation)).toBe('superseded')
    expect(await textAt(key)).toBeUndefined()
  })

  it('refuses a fill of before a delete though a later reader has opened a window of its own', async () => {
    const key = freshKey()
    const before = await open(key)
    await options.tier().delete(key)
    const after = await open(key)
    expect(await fence().fill(key, write('old'), before)).toBe('superseded')
    expect(await fence().fill(key, write('new'), after)).toBe('stored')
    expect(await textAt(key)).toBe('new')
  })

  it('refuses a fill after a write', async () => {
    const key = freshKey()
    const generation = await open(key)
    await options.tier().write(key, write('written'))
    expect(await fence().fill(key, write('filled'), generation)).toBe('superseded')
    expect(await textAt(key)).toBe('written')
  })

  it('lets one of two concurrent fills win', async () => {
    const key = freshKey()
    const [one, two] = [await open(key), await open(key)]
    const results = [await fence().fill(key, write('one'), one), await fence().fill(key, write('two'), two)]
    expect(results).toEqual(['stored', 'superseded'])
    expect(await textAt(key)).toBe('one')
  })

  it('replaces an entry when the fill carries its generation, as a refresh does', async () => {
    const key = freshKey()
    await options.tier().write(key, write('stale'))
    expect(await fence().fill(key, write('fresh'), await open(key))).toBe('stored')
    expect(await textAt(key)).toBe('fresh')
  })

  it('fails closed when the fill window has run out', async () => {
    const key = freshKey()
    const generation = await open(key, 30)
    await options.pass(120)
    await open(key)
    expect(await fence().fill(key, write('late'), generation)).toBe('superseded')
  })

  it('discards an entry only while it is the one that was seen', async () => {
    const key = freshKey()
    await options.tier().write(key, write('bad'))
    const { generation } = await options.tier().read(key)
    if (generation === undefined) throw new Error('an entry of a fencing tier has a generation')
    await options.tier().write(key, write('good'))
    await fence().discard(key, generation)
    expect(await textAt(key)).toBe('good')
    const now = await options.tier().read(key)
    if (now.generation !== undefined) await fence().discard(key, now.generation)
    expect(await textAt(key)).toBeUndefined()
  })

  it('clears one namespace and no other whose name begins alike', async () => {
    const [users, usersAbc, under] = ['users', 'usersAbc', 'users_bc'].map((name) => freshKey(`conformance/${run}/${name}`)) as [
      TierKey,
      TierKey,
      TierKey,
    ]
    await Promise.all([users, usersAbc, under].map((key) => options.tier().write(key, write('x'))))
    const { clear } = options.tier()
    if (clear === undefined) throw new Error('the tier cannot clear')
    await clear.call(options.tier(), users.namespace)
    expect([await textAt(users), await textAt(usersAbc), await textAt(under)]).toEqual([undefined, 'x', 'x'])
  })

  it('refuses a fill that began before a clear', async () => {
    const key = freshKey(`conformance/${run}/cleared`)
    const generation = await open(key)
    await options.tier().clear?.(key.namespace)
    expect(await fence().fill(key, write('old'), generation)).toBe('superseded')
  })
}
