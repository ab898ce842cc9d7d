import type { RedisOptions } from '@cidadao/cache/redis'
import type { Config, DatabaseTls } from '@cidadao/config'
import type { DatabaseOptions, PoolOptions, TlsOptions } from '@cidadao/db'
import { INVESTIGATION_CACHE } from './investigation-cache.ts'

/** Names of the configuration → names of the database package. */
export function toDatabaseOptions(config: Config, embeddedUrl: () => string | undefined): DatabaseOptions {
  const { db, retry } = config
  return {
    url: () => db.url?.reveal() ?? embeddedUrl() ?? '',
    auditOrigin: config.audit.origin,
    // Whoever brings a database decides when its schema changes; ours is nobody else's business.
    migrations: db.url === undefined ? 'apply' : 'require',
    resilience: { attempts: retry.attempts, initialDelayMs: Math.max(1, retry.delayMs) },
    pool: toPoolOptions(db),
    investigationCache: INVESTIGATION_CACHE,
  }
}

/** The same database over one connection that nobody else uses, for looking after its health. */
export function toProbeOptions(config: Config, embeddedUrl: () => string | undefined): DatabaseOptions {
  const options = toDatabaseOptions(config, embeddedUrl)
  const timeoutMs = config.monitoring.checkTimeoutMs
  return {
    ...options,
    migrations: 'skip',
    pool: {
      ...options.pool,
      size: 1,
      maxOverflow: 0,
      acquireTimeoutMs: Math.max(timeoutMs, 1_000),
      statementTimeoutMs: Math.max(timeoutMs, 1_000),
      lockTimeoutMs: Math.max(timeoutMs, 1_000),
      applicationName: `${config.db.applicationName.slice(0, 56)}-health`,
    },
  }
}

function toPoolOptions(db: Config['db']): PoolOptions {
  return {
    size: db.poolSize,
    maxOverflow: db.maxOverflow,
    acquireTimeoutMs: db.poolTimeoutMs,
    maxLifetimeSeconds: Math.ceil(db.maxLifetimeMs / 1_000),
    statementTimeoutMs: db.queryTimeoutMs,
    lockTimeoutMs: Math.min(10_000, db.queryTimeoutMs),
    processes: db.processes,
    applicationName: db.applicationName,
    tls: toTls(db.ssl),
  }
}

const VERIFICATIONS = { require: 'none', 'verify-ca': 'ca', 'verify-full': 'full' } as const

function toTls(ssl: DatabaseTls): TlsOptions | 'off' {
  if (ssl.mode === 'disable') return 'off'
  const { mode, ca, cert, key } = ssl
  const certificates = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: key.reveal() }),
  }
  return { verify: VERIFICATIONS[mode], ...certificates }
}

/** Names of the configuration → names of the cache package. */
export function toRedisOptions(redis: Config['redis']): RedisOptions {
  const { nodes, username, password, tlsCa, connectTimeoutMs, commandTimeoutMs } = redis
  const tls = nodes.some((node) => node.tls)
  return {
    nodes,
    username,
    password: password?.reveal(),
    tls: tls && tlsCa !== undefined ? { ca: tlsCa } : tls,
    connectTimeoutMs,
    commandTimeoutMs,
  }
}
