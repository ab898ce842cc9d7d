import type { Engine, NamespaceContext } from './engine/engine.ts'
import type { Factory } from './engine/factory-run.ts'
import { LoadBatch, type BatchLoader } from './engine/load-batch.ts'
import { lookUpLocally, lookUpShared } from './engine/look-up.ts'
import { checkedTags } from './consistency/invalidation.ts'
import type { RequestedInvalidation } from './consistency/invalidation-message.ts'
import { mapBounded } from './concurrency/map-bounded.ts'
import { obtain } from './engine/obtain.ts'
import { lifetimeOf, prepareWritten, tagsOf } from './engine/prepare.ts'
import { clearThrough, deleteThrough, invalidateTagsThrough, writeThrough } from './engine/write-tiers.ts'
import { checkSometimes } from './telemetry/origin-check.ts'
import { CacheClearUnsupportedError } from './errors.ts'
import { tierKey } from './key.ts'
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

/** Enough to fill a connection's pipe, few enough not to starve its other users. */
const BULK_CONCURRENCY = 256

export class TieredNamespace<T> implements CacheNamespace<T> {
  readonly name: string
  readonly #engine: Engine
  readonly #context: NamespaceContext

  constructor(engine: Engine, context: NamespaceContext) {
    this.name = context.policy.name
    this.#engine = engine
    this.#context = context
  }

  async get(key: string, options: GetOptions = {}): Promise<Lookup<T>> {
    const local = lookUpLocally(this.#engine, this.#context, key)
    if (local !== undefined) return local as Lookup<T>
    const { allowStale = false, signal } = options
    const shared = await lookUpShared(this.#engine, this.#context, tierKey(this.#context.prefix, key), { allowStale, signal })
    return shared as Lookup<T>
  }

  peek(key: string): Extract<Lookup<T>, { outcome: 'hit' | 'miss' }> {
    // What is in memory passed the check of its key when it was stored.
    const local = lookUpLocally(this.#engine, this.#context, key)
    if (local?.outcome === 'hit') return local as Extract<Lookup<T>, { outcome: 'hit' }>
    tierKey(this.#context.prefix, key)
    return { outcome: 'miss' }
  }

  async has(key: string): Promise<boolean> {
    const lookup = await this.get(key)
    if (lookup.outcome === 'unavailable') throw lookup.cause
    return lookup.outcome === 'hit'
  }

  async set(key: string, value: T, options: SetOptions = {}): Promise<WriteOutcome> {
    const target = tierKey(this.#context.prefix, key)
    const lifetime = lifetimeOf(this.#engine, this.#context, { ...options, absent: value === undefined })
    const tags = tagsOf(this.#context, options.tags)
    const prepared = await prepareWritten(this.#context, value)
    const result = await writeThrough(this.#engine, this.#context, { key: target, prepared, lifetime, tags })
    if (result.outcome === 'pending') this.#engine.deferInvalidation({ namespace: this.name, keys: [key] })
    this.#context.counters.sets++
    this.#engine.events.emit('set', { namespace: this.name, source: 'set', outcome: result.outcome })
    return result
  }

  async delete(key: string): Promise<DeleteOutcome> {
    const result = await deleteThrough(this.#engine, this.#context, tierKey(this.#context.prefix, key))
    if (result.outcome === 'pending') this.#engine.deferInvalidation({ namespace: this.name, keys: [key] })
    this.#context.counters.deletes++
    this.#engine.events.emit('delete', { namespace: this.name, outcome: result.outcome })
    return result
  }

  async getOrSet(key: string, factory: Factory<T>, options?: GetOrSetOptions): Promise<T> {
    return this.getOrSetNow(key, factory, options)
  }

  getOrSetNow(key: string, factory: Factory<T>, options: GetOrSetOptions = {}): T | Promise<T> {
    const local = lookUpLocally(this.#engine, this.#context, key)
    if (local?.outcome !== 'hit') return this.#obtain(key, factory, options)
    if (this.#context.policy.checkFraction > 0) checkSometimes(this.#engine, this.#context, local, factory as Factory<unknown>)
    return local.value as T
  }

  async #obtain(key: string, factory: Factory<T>, options: GetOrSetOptions): Promise<T> {
    options.signal?.throwIfAborted()
    const { signal, ttlMs, graceMs, tags } = options
    const request = { key: tierKey(this.#context.prefix, key), factory: factory as Factory<unknown>, signal, ttlMs, graceMs, tags }
    return (await obtain(this.#engine, this.#context, request)) as T
  }

  async getOrSetMany(
    keys: readonly string[],
    loader: BatchLoader<T>,
    options: GetOrSetOptions = {},
  ): Promise<ReadonlyMap<string, Obtained<T>>> {
    const unique = [...new Set(keys)]
    const batch = new LoadBatch(this.#engine.clock, loader, unique)
    return new Map(await Promise.all(unique.map(async (key) => [key, await this.#obtainOne(batch, key, options)] as const)))
  }

  async #obtainOne(batch: LoadBatch<T>, key: string, options: GetOrSetOptions): Promise<Obtained<T>> {
    try {
      if (this.#engine.flights.isOpen(tierKey(this.#context.prefix, key))) batch.decide(key)
      return { outcome: 'value', value: await this.getOrSet(key, (context) => batch.want(key, context), options) }
    } catch (error) {
      return { outcome: 'failed', error }
    } finally {
      batch.decide(key)
    }
  }

  async getMany(keys: readonly string[], options: GetOptions = {}): Promise<readonly Lookup<T>[]> {
    return mapBounded(keys, BULK_CONCURRENCY, (key) => this.get(key, options))
  }

  async setMany(entries: Iterable<readonly [key: string, value: T]>, options: SetOptions = {}): Promise<WriteOutcome> {
    return worst(await mapBounded([...entries], BULK_CONCURRENCY, ([key, value]) => this.set(key, value, options)))
  }

  async deleteMany(keys: readonly string[]): Promise<DeleteOutcome> {
    const outcomes = await mapBounded(keys, BULK_CONCURRENCY, (key) => this.delete(key))
    return { ...worst(outcomes), existed: outcomes.some((outcome) => outcome.existed) }
  }

  async invalidateTags(tags: readonly string[]): Promise<WriteOutcome> {
    const checked = checkedTags(tags)
    if (checked.length === 0) return { outcome: 'done' }
    if (!this.#context.servesTags) tagsOf(this.#context, checked)
    const result = await invalidateTagsThrough(this.#engine, this.#context, checked)
    return this.#told({ namespace: this.name, tags: checked }, result)
  }

  async clear(): Promise<WriteOutcome> {
    const { tiers, clock } = this.#context
    const unable = clock.tier === undefined ? tiers.filter((tier) => !tier.canClear).map((tier) => tier.name) : []
    if (unable.length > 0) {
      throw new CacheClearUnsupportedError(`${this.name} cannot be cleared: ${unable.join(', ')} cannot enumerate keys`, {
        facts: { namespace: this.name, tiers: unable.join(', ') },
      })
    }
    return this.#told({ namespace: this.name, clear: 'all' }, await clearThrough(this.#engine, this.#context))
  }

  #told(invalidation: RequestedInvalidation, result: WriteOutcome): WriteOutcome {
    const { outcome } = result
    if (outcome === 'pending') this.#engine.deferInvalidation(invalidation)
    this.#engine.events.emit('invalidate', { namespace: this.name, scope: 'tags' in invalidation ? 'tags' : 'all', outcome })
    return result
  }
}

function worst(outcomes: readonly WriteOutcome[]): WriteOutcome {
  return outcomes.find((outcome) => outcome.outcome === 'pending') ?? { outcome: 'done' }
}
