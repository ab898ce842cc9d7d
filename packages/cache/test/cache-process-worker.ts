import { delay, systemClock, toError } from '@cidadao/contracts'
import { createCache, definePolicy } from '../src/index.ts'
import { connectRedis, redisTier } from '../src/redis/index.ts'
import type { CacheProcessOptions } from './cache-process.ts'

export type Order =
  /** So many callers at once, with a factory that takes `factoryMs`; what they got, and how often it ran here. */
  | { readonly do: 'load'; readonly key: string; readonly callers: number; readonly factoryMs: number; readonly tags?: readonly string[] }
  | { readonly do: 'set'; readonly key: string; readonly value: string; readonly tags?: readonly string[] }
  | { readonly do: 'get' | 'peek' | 'delete'; readonly key: string }
  | { readonly do: 'invalidate-tags'; readonly tags: readonly string[] }
  | { readonly do: 'clear' }

export type Answer = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string }

const { nodes, password, environment, leaseMs } = JSON.parse(process.argv[2] ?? '') as CacheProcessOptions
const redis = connectRedis({ nodes, password: password ?? undefined, commandTimeoutMs: 5_000, clusterCommandTimeoutMs: 5_000 })
const cache = createCache({
  environment,
  tiers: [redisTier(redis)],
  // What is tested is not how fast the machine is.
  guard: { budgetMs: 5_000 },
  defaultPolicy: definePolicy({ name: 'things', ttlMs: 600_000, ...(leaseMs !== undefined && { leaseMs }) }),
})

async function load(order: Extract<Order, { do: 'load' }>): Promise<{ readonly runs: number; readonly values: readonly unknown[] }> {
  let runs = 0
  const factory = async (): Promise<string> => {
    runs++
    await delay(systemClock, order.factoryMs)
    return `by ${process.pid}`
  }
  const options = order.tags === undefined ? {} : { tags: order.tags }
  const got = await Promise.all(Array.from({ length: order.callers }, () => cache.getOrSet(order.key, factory, options)))
  return { runs, values: [...new Set(got)] }
}

async function carryOut(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'load':
      return load(order)
    case 'set':
      return cache.set(order.key, order.value, order.tags === undefined ? {} : { tags: order.tags })
    case 'get': {
      const lookup = await cache.get(order.key)
      return lookup.outcome === 'hit' ? lookup.value : lookup.outcome
    }
    case 'peek':
      return cache.peek(order.key).outcome
    case 'delete':
      return cache.delete(order.key)
    case 'invalidate-tags':
      return cache.invalidateTags(order.tags)
    case 'clear':
      return cache.clear()
  }
}

await redis.start()
await cache.start()
process.on('message', ({ id, order }: { readonly id: number; readonly order: Order }) => {
  carryOut(order).then(
    (result) => process.send?.({ id, result } satisfies Answer),
    (thrown: unknown) => process.send?.({ id, error: toError(thrown).message } satisfies Answer),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
