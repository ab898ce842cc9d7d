import { silentLogger, systemClock, type Clock, type Logger } from '@cidadao/contracts'
import { InvalidOptionsError } from './errors/database-error.ts'
import { requireOneOf } from './option-checks.ts'
import { toOutboxDrafts } from './outbox/cache-invalidation.ts'
import { resolvePoolOptions, type PoolOptions, type ResolvedPoolOptions } from './pool/pool-options.ts'
import { resolveResilienceOptions, type ResilienceOptions, type ResolvedResilienceOptions } from './resilience/resilience-options.ts'

/**
 * What starting does about the schema: bring it up to date, refuse to start where it is not, or trust the caller.
 */
export const MIGRATION_MODES = ['apply', 'require', 'skip'] as const
export type MigrationMode = (typeof MIGRATION_MODES)[number]

export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/database`, or a function of it, asked at each start: an embedded server has a port only then. */
  readonly url: string | (() => string)
  /** Name of the audit log, different for each deployment: `audit.cidadao.example/prod`. Cannot change later. */
  readonly auditOrigin: string
  /** @default 20 connections and 30 overflow, as in `PoolOptions` */
  readonly pool?: PoolOptions
  /** @default 3 retries within 30 s, as in `ResilienceOptions` */
  readonly resilience?: ResilienceOptions
  /** @default 'apply' */
  readonly migrations?: MigrationMode
  /**
   * Namespace of the cache that holds investigations, by their id. With one, every write of an investigation commits an
   * invalidation to the outbox with it, for which it opens a transaction where it would else be one statement. @default none
   */
  readonly investigationCache?: string
  /** @default silent */
  readonly logger?: Logger
  /** @default the system's */
  readonly clock?: Clock
}

export interface ResolvedDatabaseOptions {
  readonly url: () => string
  readonly auditOrigin: string
  readonly pool: ResolvedPoolOptions
  readonly resilience: ResolvedResilienceOptions
  readonly migrations: MigrationMode
  readonly investigationCache: string | undefined
  readonly logger: Logger
  readonly clock: Clock
}

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveDatabaseOptions(options: DatabaseOptions): ResolvedDatabaseOptions {
  const { url } = options
  if (typeof url === 'string' && url.trim() === '') throw new InvalidOptionsError('url', 'must not be empty', '""')
  return Object.freeze({
    url: typeof url === 'string' ? () => url : url,
    auditOrigin: options.auditOrigin,
    pool: resolvePoolOptions(options.pool),
    resilience: resolveResilienceOptions(options.resilience),
    migrations: requireOneOf('migrations', options.migrations ?? 'apply', MIGRATION_MODES),
    investigationCache: requireNamespace(options.investigationCache),
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
  })
}

/** Once and here, rather than at the first write. */
function requireNamespace(namespace: string | undefined): string | undefined {
  if (namespace !== undefined) toOutboxDrafts({ namespace, clear: 'all' })
  return namespace
}
