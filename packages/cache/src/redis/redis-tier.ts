import { randomBytes } from 'node:crypto'
import { systemClock } from '@cidadao/contracts'
import { TierUnavailableError } from '../errors.ts'
import { Cluster } from 'ioredis'
import { checkedName, type TierKey } from '../key.ts'
import type { InvalidationBus, LogicalClock } from '../consistency/logical-clock.ts'
import type {
  FillOutcome,
  Generation,
  LeaseAnswer,
  LeasedRead,
  LeaseRequest,
  Tier,
  TierFence,
  TierLease,
  TierRead,
  TierWrite,
} from '../tiers/tier.ts'
import { TickBatch } from '../concurrency/tick-batch.ts'
import { batchedScripts } from './batched-scripts.ts'
import { batchByNode, oneKeyPerPrimary, type NodeBatch } from './by-node.ts'
import { RedisBus } from './clock/redis-bus.ts'
import { RedisClock } from './clock/redis-clock.ts'
import { readEntries, readEntry, readTogether, toRead } from './read-entries.ts'
import type { RedisConnection } from './connect-redis.ts'
import { primariesOf, type RedisClient } from './redis-client.ts'
import { saysCluster, toTierError } from './redis-errors.ts'
import type { ScriptedClient } from './scripts.ts'
import { ServerTime } from './server-time.ts'

export interface RedisTierOptions {
  /** What policies and lookups call the tier. @default 'redis' */
  readonly name?: string
}

/** A single Redis or a Redis Cluster as a tier, with a fence. Survives failovers; needs no more than one key a command. */
export function redisTier(connection: RedisConnection, options: RedisTierOptions = {}): Tier {
  return new RedisTier(connection, checkedName('name', options.name ?? 'redis'))
}

const SCAN_COUNT = 1_000
const PROBE_TTL_MS = 10_000
/** Keys a round trip. */
const LONGEST_READ = 256

class RedisTier implements Tier {
  readonly name: string
  readonly fence: TierFence
  readonly lease: TierLease
  readonly clock: LogicalClock
  readonly bus: InvalidationBus
  readonly #connection: RedisConnection
  /** With a counter makes generations that no process ever makes again. */
  readonly #origin = randomBytes(9).toString('base64url')
  readonly #time = new ServerTime(systemClock)
  readonly #reads = new TickBatch((keys: readonly string[]) => this.#readAll(keys), LONGEST_READ)
  readonly #scripts = batchedScripts(() => this.#client())
  #generations = 0

  constructor(connection: RedisConnection, name: string) {
    this.name = name
    this.#connection = connection
    this.fence = {
      read: (key, windowMs, lease) => this.#readToFill(key, windowMs, lease),
      fill: (key, entry, generation) => this.#fill(key, entry, generation),
      discard: async (key, generation) => {
        await this.#run(() => this.#scripts.cacheDiscard(key.id, generation))
      },
    }
    this.lease = {
      acquire: async (key, { token, leaseMs }) => toAnswer(await this.#run((redis) => redis.cacheAcquire(key.id, token, leaseMs))),
      renew: async (key, { token, leaseMs }) => (await this.#run((redis) => redis.cacheRenew(key.id, token, leaseMs))) === 1,
      release: async (key, token) => {
        await this.#run((redis) => redis.cacheRelease(key.id, token))
      },
    }
    this.clock = new RedisClock((command) => this.#run(command))
    this.bus = new RedisBus(connection)
  }

  /** Its failures are translated for the whole batch: each promise around a read would cost all of them. */
  read(key: TierKey): Promise<TierRead> {
    return this.#reads.ask(key.id)
  }

  async write(key: TierKey, entry: TierWrite): Promise<void> {
    await this.#run(() => this.#scripts.cacheWrite(key.id, ...this.#toArguments(entry)))
  }

  async delete(key: TierKey): Promise<boolean> {
    return this.#run(async () => (await this.#scripts.cacheDrop(key.id)) === 1)
  }

  async clear(namespace: string): Promise<void> {
    await this.#run((redis) =>
      scanNamespace(redis, namespace, {
        keyOf: (key) => key,
        queue: (pipeline, key) => void pipeline.unlink(key),
        single: (single, key) => single.unlink(key),
      }),
    )
  }

  async sweep(namespace: string, beforeSequence: number): Promise<void> {
    await this.#run((redis) =>
      scanNamespace(redis, namespace, {
        keyOf: (key) => key,
        queue: (pipeline, key) => void (pipeline as unknown as ScriptedClient).cacheSweep(key, beforeSequence),
        single: (single, key) => (single as RedisClient & ScriptedClient).cacheSweep(key, beforeSequence),
      }),
    )
  }

  async probe(): Promise<void> {
    await this.#run(async (redis) => {
      const keys = oneKeyPerPrimary(redis, `cache-tier-probe:${this.#origin}:`)
      await Promise.all(keys.map((key) => this.#probeKey(redis, key)))
    })
  }

  async #probeKey(redis: RedisClient & ScriptedClient, key: string): Promise<void> {
    const payload = Buffer.from(key)
    await redis.cacheWrite(key, payload, this.#newGeneration(), PROBE_TTL_MS, 0)
    const read = await (redis instanceof Cluster ? this.#reads.ask(key) : readEntry(redis, key, this.#time))
    await redis.cacheDrop(key)
    if (read.entry?.payload.equals(payload) !== true) throw new TierUnavailableError('Redis did not return what it was given')
  }

  async #readAll(keys: readonly string[]): Promise<readonly PromiseSettledResult<TierRead>[]> {
    const reads = await this.#run(async (redis) =>
      redis instanceof Cluster ? readEntries(redis, keys) : readTogether(redis, keys, this.#time),
    )
    return reads.map((read) => (read.status === 'fulfilled' ? read : { status: 'rejected', reason: this.#translated(read.reason) }))
  }

  async #fill(key: TierKey, entry: TierWrite, seen: Generation): Promise<FillOutcome> {
    const stored = await this.#run(() => this.#scripts.cacheFill(key.id, ...this.#toArguments(entry), seen))
    return stored === 1 ? 'stored' : 'superseded'
  }

  #toArguments({ payload, ttlMs, sequence = 0 }: TierWrite): [payload: Buffer, generation: string, ttlMs: number, sequence: number] {
    return [payload, this.#newGeneration(), Math.ceil(ttlMs), sequence]
  }

  async #readToFill(key: TierKey, windowMs: number, lease: LeaseRequest | undefined): Promise<LeasedRead> {
    // Most are hits, for which the cheap read is enough; the script looks again.
    const found = await this.read(key)
    if (found.entry !== undefined) return found
    const asked = lease === undefined ? ([] as const) : ([lease.token, lease.leaseMs] as const)
    const reply = await this.#run(() => this.#scripts.cacheReadToFillBuffer(key.id, this.#newGeneration(), windowMs, ...asked))
    if (reply === null) return toRead(null)
    const [payload, generation, remainingMs, left] = reply
    return { ...toRead([payload, generation, remainingMs]), ...(typeof left === 'number' && { lease: toAnswer(left) }) }
  }

  async #run<T>(command: (redis: RedisClient & ScriptedClient) => Promise<T>): Promise<T> {
    try {
      return await command(this.#client())
    } catch (thrown) {
      throw this.#translated(thrown)
    }
  }

  #translated(thrown: unknown): Error {
    if (saysCluster(thrown)) this.#connection.suspect()
    return toTierError(thrown)
  }

  /** @throws {TierUnavailableError} */
  #client(): RedisClient & ScriptedClient {
    // The scripts are given to every client when it is made; its type cannot say so.
    return this.#connection.client() as RedisClient & ScriptedClient
  }

  #newGeneration(): string {
    return `${this.#origin}.${(++this.#generations).toString(36)}`
  }
}

/** Every primary is scanned, and what it has of the namespace is worked on in batches by node. */
async function scanNamespace(client: RedisClient, namespace: string, batch: NodeBatch<string>): Promise<void> {
  const scan = async (node: ReturnType<typeof primariesOf>[number]): Promise<void> => {
    let cursor = '0'
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', `${namespace}/*`, 'COUNT', SCAN_COUNT)
      cursor = next
      await batchByNode(client, keys, batch)
    } while (cursor !== '0')
  }
  await Promise.all(primariesOf(client).map(scan))
}

function toAnswer(leftMs: number): LeaseAnswer {
  return leftMs === 0 ? { outcome: 'granted' } : { outcome: 'held', leftMs }
}
