import { TestClock } from '@cidadao/contracts'
import { createCache, type Cache } from '../src/cache.ts'
import type { CacheOptions } from '../src/cache-options.ts'
import { definePolicy } from '../src/policy.ts'
import { memoryTier } from '../src/tiers/memory-tier.ts'
import { faultyTier, type FaultyTier } from './faulty-tier.ts'

export interface Bench {
  readonly clock: TestClock
  readonly l2: FaultyTier
  readonly l3: FaultyTier
  readonly cache: Cache
  /** Another process on the same shared tiers. */
  other(): Cache
}

/** A policy without chance. */
export const QUIET = { name: 'things', ttlMs: 60_000, jitter: 0 }

/** A cache over two shared tiers that can be broken at will, on a clock of the test's. */
export function bench(
  options: {
    readonly fenced?: boolean
    readonly clocked?: boolean
    readonly policy?: Partial<Parameters<typeof definePolicy>[0]>
  } & CacheOptions = {},
): Bench {
  const { fenced = true, clocked = false, policy, ...cacheOptions } = options
  const clock = new TestClock()
  const l2 = faultyTier(memoryTier({ clock, name: 'l2' }), { fenced, clocked })
  const l3 = faultyTier(memoryTier({ clock, name: 'l3' }))
  const make = (): Cache =>
    createCache({ clock, random: () => 0.5, tiers: [l2, l3], defaultPolicy: definePolicy({ ...QUIET, ...policy }), ...cacheOptions })
  return { clock, l2, l3, cache: make(), other: make }
}

/** A result that the test gives when it likes. */
export function gate<T>(): { readonly promise: Promise<T>; open(value: T): void; fail(reason: unknown): void } {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  return { promise, open: resolve, fail: reject }
}

/** The value under a key, or the outcome in its place. */
export const value = async (cache: Cache, key = 'k'): Promise<unknown> => {
  const lookup = await cache.get(key)
  return lookup.outcome === 'hit' ? lookup.value : lookup.outcome
}
