import type { CacheNamespace, GetOptions, GetOrSetOptions, Obtained, SetOptions, TouchOptions, WarmOutcome } from './cache-namespace.ts'
import { expireThrough, touchThrough } from './engine/change-life.ts'
import type { Engine, NamespaceContext } from './engine/engine.ts'
import type { Factory } from './engine/factory-run.ts'
import { LoadBatch, type BatchLoader } from './engine/load-batch.ts'
import { lookUpLocally, lookUpShared } from './engine/look-up.ts'
import { checkedTags } from './consistency/invalidation.ts'
import type { RequestedInvalidation } from './consistency/invalidation-message.ts'
import { forEachBounded } from './concurrency/for-each-bounded.ts'
import { mapBounded } from './concurrency/map-bounded.ts'
import type { ObtainRequest } from './engine/flight.ts'
import { obtain } from './engine/obtain.ts'
import { refreshSometimes } from './engine/refresh-ahead.ts'
import { lifetimeOf, prepareWritten, tagsOf } from './engine/prepare.ts'
import { clearThrough, deleteThrough, invalidateTagsThrough, writeThrough } from './engine/write-tiers.ts'
import { checkSometimes } from './telemetry/origin-check.ts'
import { CacheClearUnsupportedError } from './errors.ts'
import { tierKey } from './key.ts'
import type { DeleteOutcome, Lookup, WriteOutcome } from './lookup.ts'

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

  /** Not `async`: a hit of memory costs one promise and no more. */
  get(key: string, options?: GetOptions): Promise<Lookup<T>> {
    const local = lookUpLocally(this.#engine, this.#context, key)
    return local === undefined ? this.#getShared(key, options) : Promise.resolve(local as Lookup<T>)
  }

  async #getShared(key: string, { allowStale = false, signal }: GetOptions = {}): Promise<Lookup<T>> {
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
    const preparing = prepareWritten(this.#context, value)
    const result = await writeThrough(this.#engine, this.#context, { key: target, preparing, lifetime, tags })
    this.#context.counters.sets++
    this.#engine.events.emit('set', { namespace: this.name, source: 'set', outcome: result.outcome })
    return result
  }

  async delete(key: string): Promise<DeleteOutcome> {
    return this.#deleted(key, await deleteThrough(this.#engine, this.#context, tierKey(this.#context.prefix, key)))
  }

  async expire(key: string): Promise<DeleteOutcome> {
    return this.#deleted(key, await expireThrough(this.#engine, this.#context, tierKey(this.#context.prefix, key)))
  }

  #deleted(key: string, result: DeleteOutcome): DeleteOutcome {
    if (result.outcome === 'pending') this.#engine.deferInvalidation({ namespace: this.name, keys: [key] })
    this.#context.counters.deletes++
    this.#engine.events.emit('delete', { namespace: this.name, outcome: result.outcome })
    return result
  }

  async touch(key: string, { ttlMs, graceMs }: TouchOptions = {}): Promise<DeleteOutcome> {
    return touchThrough(this.#engine, this.#context, { key: tierKey(this.#context.prefix, key), ttlMs, graceMs })
  }

  /** Not `async`, as `get`. */
  getOrSet(key: string, factory: Factory<T>, options?: GetOrSetOptions): Promise<T> {
    return Promise.resolve(this.getOrSetNow(key, factory, options))
  }

  getOrSetNow(key: string, factory: Factory<T>, options: GetOrSetOptions = {}): T | Promise<T> {
    const local = lookUpLocally(this.#engine, this.#context, key)
    if (local?.outcome !== 'hit') return this.#obtain(key, factory, options)
    if (this.#context.watchesHits) this.#onHit(key, local, { factory, options })
    return local.value as T
  }

  #onHit(
    key: string,
    hit: Extract<Lookup<unknown>, { outcome: 'hit' }>,
    { factory, options }: { readonly factory: Factory<T>; readonly options: GetOrSetOptions },
  ): void {
    const { checkFraction, refreshAhead } = this.#context.policy
    if (checkFraction > 0) checkSometimes(this.#engine, this.#context, hit, factory as Factory<unknown>)
    if (refreshAhead > 0) refreshSometimes(this.#engine, this.#context, this.#request(key, factory, options))
  }

  async #obtain(key: string, factory: Factory<T>, options: GetOrSetOptions): Promise<T> {
    options.signal?.throwIfAborted()
    const request = this.#request(key, factory, options)
    const value = (await obtain(this.#engine, this.#context, request)) as T
    // It may have been a hit, after the clock was asked or in a farther tier.
    if (this.#context.policy.refreshAhead > 0) refreshSometimes(this.#engine, this.#context, request)
    return value
  }

  #request(key: string, factory: Factory<T>, { signal, ttlMs, graceMs, tags }: GetOrSetOptions): ObtainRequest {
    return { key: tierKey(this.#context.prefix, key), factory: factory as Factory<unknown>, signal, ttlMs, graceMs, tags }
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

  async warm(
    entries: Iterable<readonly [key: string, value: T]> | AsyncIterable<readonly [key: string, value: T]>,
    options: SetOptions = {},
  ): Promise<WarmOutcome> {
    const outcome = { stored: 0, present: 0 }
    await forEachBounded(entries, BULK_CONCURRENCY, async ([key, value]) => {
      let found: keyof WarmOutcome = 'present'
      await this.getOrSet(key, () => ((found = 'stored'), value), options)
      outcome[found]++
    })
    return outcome
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
