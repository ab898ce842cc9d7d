import { Cluster, Redis } from 'ioredis'
import type { RedisMode } from './detect-mode.ts'
import type { RedisNode, ResolvedRedisOptions } from './redis-options.ts'
import { SCRIPTS } from './scripts.ts'

export type RedisClient = Redis | Cluster

const LONGEST_RECONNECT_MS = 2_000

/** A connected client. Its offline queue is off: while Redis is away, commands fail at once instead of piling up. */
export async function openClient(mode: RedisMode, nodes: readonly RedisNode[], options: ResolvedRedisOptions): Promise<RedisClient> {
  const client = mode === 'cluster' ? clusterClient(nodes, options) : singleClient(nodes, options)
  // Failures reach callers through their commands; without a listener Node would treat the event as a crash.
  client.on('error', () => {})
  try {
    await client.connect()
    await warmUp(client)
    return client
  } catch (thrown) {
    client.disconnect()
    throw thrown
  }
}

function singleClient([node]: readonly RedisNode[], options: ResolvedRedisOptions): Redis {
  return new Redis({
    ...node,
    ...nodeOptions(options, options.commandTimeoutMs),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), LONGEST_RECONNECT_MS),
    scripts: SCRIPTS,
  })
}

function clusterClient(nodes: readonly RedisNode[], options: ResolvedRedisOptions): Cluster {
  return new Cluster([...nodes], {
    enableOfflineQueue: false,
    // In a cluster it never recovers from some failovers; batches are explicit pipelines by node instead.
    enableAutoPipelining: false,
    lazyConnect: true,
    maxRedirections: 5,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    slotsRefreshTimeout: 1_000,
    slotsRefreshInterval: 5_000,
    natMap: { ...options.addressMap },
    redisOptions: nodeOptions(options, options.clusterCommandTimeoutMs),
    scripts: SCRIPTS,
  })
}

function nodeOptions(options: ResolvedRedisOptions, commandTimeout: number) {
  return {
    ...(options.username !== undefined && { username: options.username }),
    ...(options.password !== undefined && { password: options.password }),
    ...(options.tls && { tls: options.tls }),
    connectTimeout: options.connectTimeoutMs,
    commandTimeout,
    // A command whose fate is unknown is the cache's to repair, not the client's to repeat.
    autoResendUnfulfilledCommands: false,
  }
}

/** Connects to every primary now, so that no caller's budget pays for it. */
async function warmUp(client: RedisClient): Promise<void> {
  await Promise.all(primariesOf(client).map((node) => node.ping()))
}

export function primariesOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client]
}
