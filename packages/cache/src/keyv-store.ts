import type { Lookup } from './lookup.ts'
import type { CacheNamespace } from './cache-namespace.ts'

/** The storage adapter that a `new Keyv(…)` takes. */
export interface KeyvStorePort {
  readonly opts: { readonly dialect: string }
  namespace?: string | undefined
  get<Value>(key: string): Promise<Value | undefined>
  getMany<Value>(keys: string[]): Promise<(Value | undefined)[]>
  set(key: string, value: unknown, ttlMs?: number): Promise<boolean>
  setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void>
  delete(key: string): Promise<boolean>
  deleteMany(keys: string[]): Promise<boolean>
  has(key: string): Promise<boolean>
  hasMany(keys: string[]): Promise<boolean[]>
  clear(): Promise<void>
  disconnect(): Promise<void>
  on(event: string, listener: (...payload: unknown[]) => void): KeyvStorePort
}

/**
 * A namespace as a Keyv storage adapter, for libraries that take a Keyv. Give each Keyv a namespace of its own: its
 * `clear()` empties the namespace. Without a lifetime of its own an entry lives as long as the policy says. What
 * cannot be known, because a tier is down, is thrown, never answered with "absent"; a write that one of several tiers
 * missed counts as made.
 */
export function cacheAsKeyvStore(namespace: CacheNamespace<unknown>): KeyvStorePort {
  return new NamespaceStore(namespace)
}

class NamespaceStore implements KeyvStorePort {
  readonly opts = { dialect: 'cidadao-cache' } as const
  namespace?: string | undefined
  readonly #namespace: CacheNamespace<unknown>

  constructor(namespace: CacheNamespace<unknown>) {
    this.#namespace = namespace
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    return valueOf(await this.#namespace.get(key)) as Value | undefined
  }

  async getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    const lookups = await this.#namespace.getMany(keys)
    return lookups.map(valueOf) as (Value | undefined)[]
  }

  async set(key: string, value: unknown, ttlMs?: number): Promise<boolean> {
    await this.#namespace.set(key, value, ttlMs === undefined ? {} : { ttlMs })
    return true
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    await Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)))
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#namespace.delete(key)).existed
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#namespace.deleteMany(keys)).existed
  }

  async has(key: string): Promise<boolean> {
    return this.#namespace.has(key)
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.has(key)))
  }

  async clear(): Promise<void> {
    await this.#namespace.clear()
  }

  /** The cache belongs to its owner, who stops it. */
  async disconnect(): Promise<void> {}

  /** Nothing to tell: failures are thrown. */
  on(): KeyvStorePort {
    return this
  }
}

function valueOf(lookup: Lookup<unknown>): unknown {
  if (lookup.outcome === 'unavailable') throw lookup.cause
  return lookup.outcome === 'hit' ? lookup.value : undefined
}
