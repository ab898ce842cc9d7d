import type { ConnectionOptions } from 'node:tls'
import { InvalidOptionsError } from '../errors/database-error.ts'
import { requireInteger, requireOneOf } from '../option-checks.ts'

/**
 * How much of the server's certificate is checked: signer and host name; the signer alone; nothing, which encrypts
 * against listeners but not against somebody who pretends to be the server.
 */
export const TLS_VERIFICATIONS = ['full', 'ca', 'none'] as const
export type TlsVerification = (typeof TLS_VERIFICATIONS)[number]

/** Certificates for TLS. Without `ca`, those that Node trusts count. */
export interface TlsOptions {
  /** @default 'full' */
  readonly verify?: TlsVerification
  /** Certificate authority, PEM. */
  readonly ca?: string
  /** Our own certificate, PEM, where the server asks for one. */
  readonly cert?: string
  /** Private key of `cert`, PEM. */
  readonly key?: string
  /** Name to verify instead of the host of the address. */
  readonly servername?: string
}

export interface PoolOptions {
  /** Connections that stay open when idle. @default 20 */
  readonly size?: number
  /** Connections beyond `size` that a burst may open; they close after `idleTimeoutMs`. @default 30 */
  readonly maxOverflow?: number
  /** Longest wait for a connection before `PoolTimeoutError`, in milliseconds. @default 30_000 */
  readonly acquireTimeoutMs?: number
  /**
   * Longest time to open one connection, to the end of the log-in, before `DatabaseUnavailableError`, in milliseconds. A
   * server that takes the connection and then stays silent costs no more than this. Never more than `acquireTimeoutMs`.
   * @default 5_000
   */
  readonly connectTimeoutMs?: number
  /** Longest life of a connection, in seconds, so that a balancer's changes reach us. @default 3_600 */
  readonly maxLifetimeSeconds?: number
  /** How long an overflow connection may be idle, in milliseconds. @default 30_000 */
  readonly idleTimeoutMs?: number
  /** A connection idle for longer is tried with a ping before it is handed out, in milliseconds. @default 5_000 */
  readonly pingAfterIdleMs?: number
  /** Longest wait for that ping, in milliseconds. @default 2_000 */
  readonly pingTimeoutMs?: number
  /** Longest run of one statement, enforced by the server, in milliseconds. @default 30_000 */
  readonly statementTimeoutMs?: number
  /** How much longer than the server's own timeout we wait for its answer, in milliseconds; then the connection is given up. @default 5_000 */
  readonly answerGraceMs?: number
  /** Longest wait for a lock, in milliseconds. @default 10_000 */
  readonly lockTimeoutMs?: number
  /** Longest idle time inside a transaction before the server ends it, in milliseconds. @default 60_000 */
  readonly idleInTransactionTimeoutMs?: number
  /** Longest wait for running work when stopping, in milliseconds; then connections are cut. @default 10_000 */
  readonly stopTimeoutMs?: number
  /** Processes that use the same server with a pool like this one, for the connection budget. @default 1 */
  readonly processes?: number
  /** Shown in `pg_stat_activity`. @default 'cidadao' */
  readonly applicationName?: string
  /** TLS: certificates, `'required'` with Node's trusted authorities, or `'off'`. @default what the address says */
  readonly tls?: TlsOptions | 'required' | 'off'
}

export type ResolvedPoolOptions = Readonly<Required<Omit<PoolOptions, 'tls'>>> & Pick<PoolOptions, 'tls'>

const DEFAULTS: Required<Omit<PoolOptions, 'tls'>> = {
  size: 20,
  maxOverflow: 30,
  acquireTimeoutMs: 30_000,
  connectTimeoutMs: 5_000,
  maxLifetimeSeconds: 3_600,
  idleTimeoutMs: 30_000,
  pingAfterIdleMs: 5_000,
  pingTimeoutMs: 2_000,
  statementTimeoutMs: 30_000,
  answerGraceMs: 5_000,
  lockTimeoutMs: 10_000,
  idleInTransactionTimeoutMs: 60_000,
  stopTimeoutMs: 10_000,
  processes: 1,
  applicationName: 'cidadao',
}

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolvePoolOptions(options: PoolOptions = {}): ResolvedPoolOptions {
  const resolved = { ...DEFAULTS, ...options }
  requireInteger('pool.size', resolved.size, { min: 1, max: 10_000 })
  requireInteger('pool.maxOverflow', resolved.maxOverflow, { min: 0, max: 10_000 })
  requireInteger('pool.acquireTimeoutMs', resolved.acquireTimeoutMs, { min: 1 })
  requireInteger('pool.connectTimeoutMs', resolved.connectTimeoutMs, { min: 1 })
  requireInteger('pool.maxLifetimeSeconds', resolved.maxLifetimeSeconds, { min: 1, max: 2_000_000 })
  requireInteger('pool.idleTimeoutMs', resolved.idleTimeoutMs, { min: 1 })
  requireInteger('pool.pingAfterIdleMs', resolved.pingAfterIdleMs, { min: 0 })
  requireInteger('pool.pingTimeoutMs', resolved.pingTimeoutMs, { min: 1 })
  requireInteger('pool.statementTimeoutMs', resolved.statementTimeoutMs, { min: 1, max: 2 ** 31 - 1 })
  requireInteger('pool.answerGraceMs', resolved.answerGraceMs, { min: 1, max: 2 ** 31 - 1 })
  requireInteger('pool.lockTimeoutMs', resolved.lockTimeoutMs, { min: 1, max: 2 ** 31 - 1 })
  requireInteger('pool.idleInTransactionTimeoutMs', resolved.idleInTransactionTimeoutMs, { min: 1, max: 2 ** 31 - 1 })
  requireInteger('pool.stopTimeoutMs', resolved.stopTimeoutMs, { min: 1 })
  requireInteger('pool.processes', resolved.processes, { min: 1 })
  if (typeof resolved.tls === 'object') requireOneOf('pool.tls.verify', resolved.tls.verify ?? 'full', TLS_VERIFICATIONS)
  if (!/^[\x20-\x7e]{1,63}$/.test(resolved.applicationName)) {
    throw new InvalidOptionsError(
      'pool.applicationName',
      'must be 1 to 63 printable ASCII characters',
      JSON.stringify(resolved.applicationName),
    )
  }
  return Object.freeze(resolved)
}

/** What node-postgres is told about TLS; undefined leaves it to the address. */
export function toTlsConfig(tls: PoolOptions['tls']): ConnectionOptions | boolean | undefined {
  if (tls === undefined) return undefined
  if (tls === 'off') return false
  if (tls === 'required') return true
  const { verify = 'full', ...certificates } = tls
  if (verify === 'none') return { ...certificates, rejectUnauthorized: false }
  return { ...certificates, rejectUnauthorized: true, ...(verify === 'ca' ? { checkServerIdentity: () => undefined } : {}) }
}
