import type { BenchRow } from '@cidadao/workspace/bench-report'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { createCache as createCacheManager } from 'cache-manager'
import { Cacheable, CacheableMemory } from 'cacheable'
import { Keyv } from 'keyv'
import { LRUCache } from 'lru-cache'
import { createCache, definePolicy } from '../src/index.ts'
import { awaitedRound, compare, KEYS, syncRound, VALUE, type Subject } from './measure.ts'

const TTL_MS = 600_000

interface Rival {
  readonly name: string
  readonly set: (key: string, value: object) => Promise<unknown>
  readonly get: (key: string) => Promise<unknown>
}

/** As documented, and with what makes each fastest without giving up that entries expire. */
function rivals(): readonly Rival[] {
  const bento = (serialize: boolean): Omit<Rival, 'name'> => {
    const store = bentostore().useL1Layer(memoryDriver({ serialize, maxItems: 50_000 }))
    const cache = new BentoCache({ default: 'memory', ttl: TTL_MS, stores: { memory: store } })
    return { set: (key, value) => cache.set({ key, value }), get: (key) => cache.get({ key }) }
  }
  const keyv = (options: object): Omit<Rival, 'name'> => {
    const store = new Keyv({ ttl: TTL_MS, ...options })
    return { set: (key, value) => store.set(key, value), get: (key) => store.get(key) }
  }
  const manager = (options: object): Omit<Rival, 'name'> => {
    const cache = createCacheManager({ ttl: TTL_MS, stores: [new Keyv(options)] })
    return { set: (key, value) => cache.set(key, value), get: (key) => cache.get(key) }
  }
  const cacheable = (useClone: boolean): Omit<Rival, 'name'> => {
    const cache = new Cacheable({ ttl: TTL_MS, primary: new Keyv({ store: new CacheableMemory({ useClone }) }) })
    return { set: (key, value) => cache.set(key, value), get: (key) => cache.get(key) }
  }
  const raw = { serialize: undefined, deserialize: undefined }
  return [
    { name: 'bentocache', ...bento(true) },
    { name: 'bentocache, not serialized', ...bento(false) },
    { name: 'cacheable', ...cacheable(true) },
    { name: 'cacheable, not cloned', ...cacheable(false) },
    { name: 'cache-manager', ...manager({}) },
    { name: 'cache-manager, not serialized', ...manager(raw) },
    { name: 'keyv', ...keyv({}) },
    { name: 'keyv, not serialized', ...keyv(raw) },
  ]
}

export async function memoryHits(): Promise<BenchRow[]> {
  const bare = new LRUCache<string, object>({ max: 50_000, ttl: TTL_MS })
  const cache = createCache({ defaultPolicy: definePolicy({ name: 'bench', ttlMs: TTL_MS }) })
  const others = rivals()
  for (const key of KEYS) {
    bare.set(key, VALUE)
    await cache.set(key, structuredClone(VALUE))
    for (const rival of others) await rival.set(key, structuredClone(VALUE))
  }
  const factory = (): never => {
    throw new Error('not a hit')
  }
  const lru: Subject = { name: 'lru-cache', run: (key) => bare.get(key) }
  const toBare = (atLeast: number) => [{ against: 'lru-cache', atLeast }]
  const sync = await compare({
    title: 'memory, without a promise',
    subjects: [
      lru,
      { name: 'peek', run: (key) => cache.peek(key) },
      { name: 'getOrSetNow', run: (key) => cache.getOrSetNow(key, factory) },
    ],
    round: syncRound(100),
    goals: { peek: toBare(0.33), getOrSetNow: toBare(0.33) },
  })
  const rivalSubjects = others.map(({ name, get }): Subject => ({ name, run: get }))
  const asDocumented = [
    { against: 'lru-cache', atLeast: 0.15 },
    { against: 'bentocache', atLeast: 10 },
    { against: 'cacheable', atLeast: 10 },
    { against: 'cache-manager', atLeast: 1.5 },
  ]
  // What else can be had without a promise; awaited here like the rivals, who know no other way.
  const fastest = ['bentocache', 'cacheable', 'cache-manager', 'keyv'].map((against) => ({ against, atLeast: 10 }))
  const awaited = await compare({
    title: 'memory, awaited',
    subjects: [
      lru,
      { name: 'get', run: (key) => cache.get(key) },
      { name: 'getOrSet', run: (key) => cache.getOrSet(key, factory) },
      { name: 'peek', run: (key) => cache.peek(key) },
      ...rivalSubjects,
    ],
    round: awaitedRound(10),
    goals: { get: asDocumented, getOrSet: asDocumented, peek: fastest },
  })
  await cache.stop()
  return [...sync, ...awaited]
}
