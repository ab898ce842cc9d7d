import { systemClock, type Clock } from '@cidadao/contracts'
import type { ConnectionOptions } from 'node:tls'
import { CacheOptionError } from '../errors.ts'

export interface RedisNode {
  readonly host: string
  readonly port: number
}

export interface RedisOptions {
  /** Where to begin: the single server, or some of a cluster's nodes. */
  readonly nodes: readonly RedisNode[]
  /** ACL user. @default 'default', when there is a password */
  readonly username?: string | undefined
  /** @default none */
  readonly password?: string | undefined
  /** `true` for TLS with Node's trusted authorities, or Node's TLS options. @default false */
  readonly tls?: boolean | ConnectionOptions | undefined
  /** Longest wait for a connection to one node, in milliseconds. @default 500 */
  readonly connectTimeoutMs?: number
  /** Longest wait for one command to a single server, in milliseconds. @default 200 */
  readonly commandTimeoutMs?: number
  /** Longest wait for one command to a cluster, redirections and failovers included, in milliseconds. @default 1_000 */
  readonly clusterCommandTimeoutMs?: number
  /** Wait between two looks for a Redis that was not there, in milliseconds; doubles up to `longestRetryMs`. @default 250 */
  readonly retryMs?: number
  /** @default 5_000 */
  readonly longestRetryMs?: number
  /** How often the nodes are asked whether they are still what they were, in milliseconds. @default 30_000 */
  readonly reprobeMs?: number
  /** Addresses that the cluster announces → addresses to connect to, as `host:port`. @default {} */
  readonly addressMap?: Readonly<Record<string, RedisNode>>
  /** @default systemClock */
  readonly clock?: Clock
}

export interface ResolvedRedisOptions extends Required<Omit<RedisOptions, 'username' | 'password' | 'tls'>> {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: ConnectionOptions | undefined
}

const DEFAULTS = {
  connectTimeoutMs: 500,
  commandTimeoutMs: 200,
  clusterCommandTimeoutMs: 1_000,
  retryMs: 250,
  longestRetryMs: 5_000,
  reprobeMs: 30_000,
} as const

/** @throws {CacheOptionError} naming field, rule and value; never the password */
export function resolveRedisOptions(options: RedisOptions): ResolvedRedisOptions {
  if (options.nodes.length === 0) throw optionError('nodes', 'a list with at least one address', 'an empty list')
  for (const { host, port } of options.nodes) {
    if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
      throw optionError('nodes', 'a host and a port from 1 to 65535', formatNode({ host, port }))
    }
  }
  if (options.username !== undefined && options.password === undefined) {
    throw optionError('username', 'given together with a password', 'a name alone')
  }
  const times = { ...DEFAULTS, ...definedTimes(options) }
  return Object.freeze({
    ...times,
    // Host and port alone: whatever else such an object carries is not meant for the client.
    nodes: Object.freeze(options.nodes.map(({ host, port }) => Object.freeze({ host, port }))),
    username: options.username,
    password: options.password,
    tls: options.tls === true ? {} : options.tls === false ? undefined : options.tls,
    addressMap: options.addressMap ?? {},
    clock: options.clock ?? systemClock,
  })
}

export function formatNode({ host, port }: RedisNode): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function definedTimes(options: RedisOptions): Partial<Record<keyof typeof DEFAULTS, number>> {
  const times: Partial<Record<keyof typeof DEFAULTS, number>> = {}
  for (const field of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = options[field]
    if (value === undefined) continue
    if (!Number.isFinite(value) || value < 1) throw optionError(field, 'a finite number of at least 1', String(value))
    times[field] = value
  }
  return times
}

function optionError(field: string, rule: string, value: string): CacheOptionError {
  return new CacheOptionError(`redis ${field} must be ${rule}, got ${value}`, { facts: { field, value } })
}
