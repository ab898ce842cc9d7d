// eslint-disable-next-line @nx/enforce-module-boundaries -- the tier takes a pool port; tests hand it the real thing
import pg from 'pg'
import { delay, systemClock, toError } from '@cidadao/contracts'
import { LocalFence } from '../../src/concurrency/local-fence.ts'
import { createCache, definePolicy, type Cache, type LogicalClock, type Tier } from '../../src/index.ts'
import { postgresTier } from '../../src/postgres/index.ts'
import { connectRedis, redisTier, type RedisConnection } from '../../src/redis/index.ts'
import { KEYS, type Key } from '../simulator/schedule.ts'
import { Journal } from './journal.ts'
import { Load } from './load.ts'
import { BUDGET_MS, DELTA_MS, HEARTBEAT_MS, POLICY, type ClientStatus, type Omission, type Order, type Place } from './world.ts'

interface Work {
  readonly cache: Cache
  readonly load: Load
  readonly redis: RedisConnection | undefined
  readonly end: () => Promise<void>
}

let work: Work | undefined
let runs = 0

function current(): Work {
  if (work === undefined) throw new Error('nothing was begun')
  return work
}

async function begin(place: Place): Promise<void> {
  const journal = new Journal(place.journal)
  const redis =
    place.redis.length === 0
      ? undefined
      : connectRedis({ nodes: place.redis, retryMs: 50, reprobeMs: 500, commandTimeoutMs: BUDGET_MS, clusterCommandTimeoutMs: BUDGET_MS })
  await redis?.start()
  const pool = place.postgresUrl === null ? undefined : new pg.Pool({ connectionString: place.postgresUrl, max: 4 })
  // A server that is killed ends idle connections; calls find out for themselves.
  pool?.on('error', () => {})
  const tiers = [...(redis ? [redisTier(redis)] : []), ...(pool ? [postgresTier(pool)] : [])]
  const deaf = place.without === 'bus'
  const cache = createCache({
    environment: place.environment,
    tiers: tiers.map((tier) => omitting(tier, place.without)),
    policies: [definePolicy(POLICY)],
    guard: { budgetMs: BUDGET_MS, cooldownMs: 50, longestCooldownMs: 500 },
    consistency: deaf ? { heartbeatMs: 60_000 } : { heartbeatMs: HEARTBEAT_MS, verifyWithinMs: DELTA_MS },
  })
  await cache.start()
  const load = new Load({ cache, journal, process: place.process, tell: (written) => void process.send?.({ written }) })
  const end = async (): Promise<void> => {
    await cache.stop()
    await redis?.stop()
    await pool?.end()
    journal.close()
  }
  work = { cache, load, redis, end }
}

/** To see whether the oracle notices: fills that look at nothing, or nobody who is told. */
function omitting(tier: Tier, without: Omission): Tier {
  if (without === 'nothing') return tier
  const { name, lease, clock, fence } = tier
  const bare: Tier = {
    name,
    read: (key) => tier.read(key),
    write: (key, entry) => tier.write(key, entry),
    delete: (key) => tier.delete(key),
    probe: () => tier.probe(),
    clear: async (namespace) => tier.clear?.(namespace),
    ...(lease && { lease }),
    ...(clock && { clock }),
  }
  if (without === 'bus') return { ...bare, ...(fence && { fence }), ...(clock && { clock: withoutNews(clock) }) }
  LocalFence.prototype.invalidate = () => {}
  LocalFence.prototype.invalidateNamespace = () => {}
  if (fence === undefined) return bare
  const open: Tier['fence'] = { ...fence, fill: async (key, entry) => (await tier.write(key, entry), 'stored') }
  return { ...bare, fence: open, ...(tier.bus && { bus: tier.bus }) }
}

/** As if nothing had happened since it was last asked. */
function withoutNews(clock: LogicalClock): LogicalClock {
  const missed = { kind: 'chain', messages: [] } as const
  return {
    advance: async (request) => ({ ...(await clock.advance(request)), missed }),
    read: async (request) => ({ ...(await clock.read(request)), missed }),
  }
}

async function settle(): Promise<string> {
  const { cache } = current()
  return cache.session(async () => {
    for (;;) {
      const { outcome } = await cache.namespace(POLICY.name).delete('settled')
      const token = cache.sessionToken()
      if (outcome === 'done' && token !== undefined && isWhole(cache)) return token
      await delay(systemClock, 50)
    }
  })
}

async function readSettled(tokens: readonly string[]): Promise<void> {
  const { cache, load } = current()
  // Whoever has seen each one's last word has seen all that came before it.
  for (const token of tokens) await cache.session(() => cache.namespace(POLICY.name).get('settled'), token)
  for (const key of KEYS) await load.get(key, { allowStale: false, settled: true })
}

async function obtainSlow(factoryMs: number): Promise<number> {
  let own = 0
  await current()
    .cache.namespace(POLICY.name)
    .getOrSet('slow', async () => {
      own++
      runs++
      await delay(systemClock, factoryMs)
      return { product: 'none' }
    })
  return own
}

function isWhole(cache: Cache): boolean {
  return cache.status().tiers.every(({ state, repairsPending }) => (state === 'ok' || state === 'slow') && repairsPending === 0)
}

function statusNow(): ClientStatus {
  const { cache, load, redis } = current()
  const status = redis?.status()
  return { calls: load.calls, whole: isWhole(cache), mode: status?.state === 'connected' ? status.mode : 'none', runs }
}

async function carryOut(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'begin':
      return begin(order.place)
    case 'load':
      current().load.begin()
      return undefined
    case 'rest':
      return current().load.rest()
    case 'status':
      return statusNow()
    case 'obtain':
      return obtainSlow(order.factoryMs)
    case 'settle':
      return settle()
    case 'read-settled':
      return readSettled(order.tokens)
    case 'read-after': {
      const { cache, load } = current()
      return cache.session(() => load.get(order.key as Key, { allowStale: true, after: order.after }), order.token)
    }
    case 'end':
      return current().end()
  }
}

process.on('unhandledRejection', (reason) =>
  work?.load.write({ kind: 'wrong', guarantee: 'S7', what: `unhandled rejection: ${String(reason)}` }),
)
process.on('message', ({ id, order }: { readonly id: number; readonly order: Order }) => {
  carryOut(order).then(
    (result) => process.send?.({ id, result }),
    (thrown: unknown) => process.send?.({ id, error: toError(thrown).message }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
