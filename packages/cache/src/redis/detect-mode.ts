import { toError } from '@cidadao/contracts'
import { Redis } from 'ioredis'
import { RedisAuthError } from '../errors.ts'
import { isAuthFailure } from './redis-errors.ts'
import { formatNode, type RedisNode, type ResolvedRedisOptions } from './redis-options.ts'

export const REDIS_MODES = ['single', 'cluster'] as const
export type RedisMode = (typeof REDIS_MODES)[number]

/** What the configured nodes are, taken together. */
export type Detection =
  | { readonly outcome: 'found'; readonly mode: RedisMode; readonly nodes: readonly RedisNode[] }
  /** A node wants other credentials. Nothing is to be tried instead. */
  | { readonly outcome: 'refused'; readonly cause: RedisAuthError }
  /** No node answers; it is unknown what they are, so nothing may be assumed. */
  | { readonly outcome: 'down'; readonly cause: Error }

type NodeAnswer =
  | { readonly kind: 'single'; readonly node: RedisNode }
  | { readonly kind: 'cluster'; readonly node: RedisNode }
  | { readonly kind: 'refused'; readonly node: RedisNode; readonly cause: Error }
  | { readonly kind: 'down'; readonly node: RedisNode; readonly cause: Error }

/**
 * Asks each node, over a plain connection of its own, what it is. One cluster node makes it a cluster; a single
 * server it is only if all that answer say so: a plain client on a cluster node would fail for most keys.
 */
export async function detectMode(options: ResolvedRedisOptions): Promise<Detection> {
  const answers = await Promise.all(options.nodes.map((node) => askNode(node, options)))
  const refused = answers.find((answer) => answer.kind === 'refused')
  if (refused !== undefined) return { outcome: 'refused', cause: authError(refused.node, refused.cause) }
  const mode = answers.some((answer) => answer.kind === 'cluster') ? 'cluster' : 'single'
  const nodes = answers.filter((answer) => answer.kind === mode).map((answer) => answer.node)
  if (nodes.length > 0) return { outcome: 'found', mode, nodes }
  const down = answers.find((answer) => answer.kind === 'down')
  return { outcome: 'down', cause: down?.cause ?? new Error('no node answers') }
}

async function askNode(node: RedisNode, options: ResolvedRedisOptions): Promise<NodeAnswer> {
  const client = new Redis({
    ...node,
    ...(options.tls && { tls: options.tls }),
    // The oldest protocol and no automatic handshake, so that each refusal is seen for what it is.
    protocol: 2,
    disableClientInfo: true,
    enableReadyCheck: false,
    lazyConnect: true,
    connectTimeout: options.connectTimeoutMs,
    commandTimeout: options.connectTimeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
  })
  let connectionError: Error | undefined
  client.on('error', (error: Error) => {
    connectionError = error
  })
  try {
    await client.connect()
    if (options.password !== undefined) await client.call('AUTH', ...credentials(options.username, options.password))
    return { kind: await modeOf(client), node }
  } catch (thrown) {
    const cause = isAuthFailure(thrown) ? toError(thrown) : (connectionError ?? toError(thrown))
    return { kind: isAuthFailure(thrown) ? 'refused' : 'down', node, cause }
  } finally {
    client.disconnect()
  }
}

async function modeOf(client: Redis): Promise<RedisMode> {
  try {
    const hello = (await client.call('HELLO')) as readonly unknown[]
    const mode = hello[hello.indexOf('mode') + 1]
    if (mode === 'cluster') return 'cluster'
    if (mode === 'standalone') return 'single'
    throw new Error(`a Redis in ${String(mode)} mode is not a cache`)
  } catch (thrown) {
    // Redis 5 and before have no HELLO; a user without the right to it is asked the old way, too.
    if (!/^(ERR unknown command|NOPERM)/.test(toError(thrown).message)) throw thrown
    return (await client.info('cluster')).includes('cluster_enabled:1') ? 'cluster' : 'single'
  }
}

function credentials(username: string | undefined, password: string): string[] {
  return username === undefined ? [password] : [username, password]
}

function authError(node: RedisNode, cause: Error): RedisAuthError {
  return new RedisAuthError(`Redis at ${formatNode(node)} refused the credentials: ${cause.message}`, {
    cause,
    facts: { node: formatNode(node) },
  })
}
