import type { BatchLoader } from './engine/load-batch.ts'
import type { Factory } from './engine/factory-run.ts'
import type { DeleteOutcome, Lookup, WriteOutcome } from './lookup.ts'

export interface GetOptions {
  /** Also answer with an expired value that is within its grace. @default false */
  readonly allowStale?: boolean
  /** Stops waiting; the read itself goes on for others. @default none */
  readonly signal?: AbortSignal
}

export interface SetOptions {
  /** Instead of the policy's, in milliseconds. @default the policy's */
  readonly ttlMs?: number
  /** Instead of the policy's, in milliseconds. @default the policy's */
  readonly graceMs?: number
  /** Besides the policy's: what the entry can be invalidated by. @default none */
  readonly tags?: readonly string[]
}

export interface TouchOptions {
  /** Instead of the policy's, in milliseconds. @default the policy's */
  readonly ttlMs?: number
  /** Instead of the policy's, in milliseconds. @default the policy's */
  readonly graceMs?: number
}

/** How many entries `warm` stored, and how many it found. */
export interface WarmOutcome {
  readonly stored: number
  readonly present: number
}

export interface GetOrSetOptions extends SetOptions {
  /** Stops waiting. The factory goes on while others wait for it, and is aborted when the last one has left. @default none */
  readonly signal?: AbortSignal
}

/** What `getOrSetMany` has for one key. */
export type Obtained<T> = { readonly outcome: 'value'; readonly value: T } | { readonly outcome: 'failed'; readonly error: unknown }

/**
 * One kind of data in the cache. All methods reject with `CacheKeyError` for an unusable key; none rejects because a
 * tier is down: that is in what they resolve to.
 */
export interface CacheNamespace<T> {
  readonly name: string
  /** Asks memory, then the shared tiers in order. Keeps what it found in memory. */
  get(key: string, options?: GetOptions): Promise<Lookup<T>>
  /** This process' memory alone, without waiting. */
  peek(key: string): Extract<Lookup<T>, { outcome: 'hit' | 'miss' }>
  /** Whether there is a fresh value. Rejects with `CacheUnavailableError` when that cannot be known. */
  has(key: string): Promise<boolean>
  /** Stores in all tiers of the policy. The value is frozen in place. Rejects with `CacheValueError` or `CacheTtlError`. */
  set(key: string, value: T, options?: SetOptions): Promise<WriteOutcome>
  /** After it resolves no tier of this process returns an older value, not even from a factory that was running. */
  delete(key: string): Promise<DeleteOutcome>
  /**
   * Ends the entry's time to live and begins its grace: the next `getOrSet` runs its factory, with the old value as its
   * fallback. Where there is no grace, as `delete`. A load that was running is not stored.
   */
  expire(key: string): Promise<DeleteOutcome>
  /**
   * A fresh entry begins another time to live now, in all tiers that have it; `existed` tells whether one did. Value, tags
   * and age stay, and what was invalidated does not come back.
   */
  touch(key: string, options?: TouchOptions): Promise<DeleteOutcome>
  /**
   * The cached value, or that of the factory, which runs at most once at a time in this process however many ask.
   * Rejects with what the factory threw, unless a stale value within its grace can be had instead; with
   * `CacheFactoryTimeoutError`; or with the signal's reason.
   */
  getOrSet(key: string, factory: Factory<T>, options?: GetOrSetOptions): Promise<T>
  /** As `getOrSet`, but what is in memory comes at once, without a promise. No stored value is a promise. */
  getOrSetNow(key: string, factory: Factory<T>, options?: GetOrSetOptions): T | Promise<T>
  /**
   * As `getOrSet` for many keys, each once, with one run of the loader for just those that are in no tier and that nobody
   * else is loading (a further one for keys that another process began and did not finish). One key's failure is its own.
   */
  getOrSetMany(keys: readonly string[], loader: BatchLoader<T>, options?: GetOrSetOptions): Promise<ReadonlyMap<string, Obtained<T>>>
  /** In the order of the keys. */
  getMany(keys: readonly string[], options?: GetOptions): Promise<readonly Lookup<T>[]>
  /** Resolves to the worst outcome. Not atomic. */
  setMany(entries: Iterable<readonly [key: string, value: T]>, options?: SetOptions): Promise<WriteOutcome>
  deleteMany(keys: readonly string[]): Promise<DeleteOutcome>
  /**
   * Stores what is in no tier yet, as `getOrSet` does, and leaves alone what is: nothing is invalidated, in no process. For
   * filling a cache before it is used, from values that are current when the source of the entries gives them out.
   */
  warm(
    entries: Iterable<readonly [key: string, value: T]> | AsyncIterable<readonly [key: string, value: T]>,
    options?: SetOptions,
  ): Promise<WarmOutcome>
  /**
   * Invalidates every entry of the namespace that has one of the tags, however many there are. As for `delete`: after it
   * resolves none of them is returned by this process, and other processes stop within `verifyWithinMs`.
   */
  invalidateTags(tags: readonly string[]): Promise<WriteOutcome>
  /**
   * Invalidates everything in the namespace. Rejects with `CacheClearUnsupportedError` where a tier cannot enumerate keys
   * and none has a logical clock.
   */
  clear(): Promise<WriteOutcome>
}
