import { defineService, TypedEvents, type EventSource, type Service } from '@cidadao/contracts'
import { AuditLog } from './audit/audit-log.ts'
import type { AuditEntry } from './audit/audit-entry.ts'
import { resolveDatabaseOptions, type DatabaseOptions, type ResolvedDatabaseOptions } from './database-options.ts'
import { MigrationsPendingError } from './errors/migration-errors.ts'
import type { BreakerState, DatabaseEvents } from './events.ts'
import type { StoreScope } from './investigations/bulk/savepoint.ts'
import { InvestigationStore } from './investigations/investigation-store.ts'
import { WriteEffects } from './investigations/write-effects.ts'
import { PrismaMetricStore, type MetricStore } from './metrics/metric-store.ts'
import { migrate, migrationStatus, type MigrationReport } from './migrations/migrator.ts'
import { ConnectionPool } from './pool/connection-pool.ts'
import type { PoolSnapshot } from './pool/pool-stats.ts'
import type { CacheInvalidation } from './outbox/cache-invalidation.ts'
import { PrismaSource } from './prisma/prisma-source.ts'
import { Resilience } from './resilience/resilience.ts'
import { RunStore } from './runs/run-store.ts'
import { readServerFacts, requireUsable } from './server-check.ts'
import type { SqlExecutor } from './sql-executor.ts'
import { resilientExecutors, transactionExecutors, type Executors } from './transactions/query-runner.ts'
import type { TransactionOptions } from './transactions/transaction-options.ts'
import { TransactionRunner } from './transactions/transaction-runner.ts'
import type { UnitOfWork, UnitRunner } from './transactions/unit-of-work.ts'

/** The same stores, bound to one transaction. Nothing of it may be used after the transaction has ended. */
export interface DatabaseTransaction {
  readonly investigations: InvestigationStore
  readonly runs: RunStore
  readonly sql: SqlExecutor
  /** Keeps entries; they are appended last, just before the commit. */
  audit(...entries: readonly AuditEntry[]): void
  /** Keeps invalidations of the cache; they commit with the transaction, and an outbox relay delivers them. */
  invalidate(...invalidations: readonly CacheInvalidation[]): void
  /** Called once it is committed; not at all when it is rolled back. */
  afterCommit(callback: () => void): void
}

export interface Ping {
  readonly latencyMs: number
  readonly role: 'primary' | 'replica'
}

export interface DatabaseStats extends PoolSnapshot {
  readonly breaker: BreakerState
}

/**
 * PostgreSQL, as the rest of the system sees it. Everything rejects with an error of this package when the database
 * fails; nothing returns a lookalike of "not found".
 */
export class Database implements Service {
  readonly name = 'db'
  readonly investigations: InvestigationStore
  readonly runs: RunStore
  readonly metrics: MetricStore
  readonly audit: AuditLog
  readonly events: EventSource<DatabaseEvents>
  /** One statement at a time on the pool, for ports of other packages. Repeated only where it surely did nothing. */
  readonly sql: SqlExecutor
  readonly #options: ResolvedDatabaseOptions
  readonly #events: TypedEvents<DatabaseEvents>
  readonly #resilience: Resilience
  readonly #pool: ConnectionPool
  readonly #prisma: PrismaSource
  readonly #transactions: TransactionRunner
  readonly #executors: Executors
  readonly #effects: WriteEffects
  readonly #lifecycle: Service

  constructor(options: DatabaseOptions) {
    this.#options = resolveDatabaseOptions(options)
    const { clock, logger, url } = this.#options
    const events = new TypedEvents<DatabaseEvents>()
    this.#events = events
    this.events = events
    this.audit = new AuditLog({ origin: this.#options.auditOrigin, clock })
    this.#resilience = new Resilience({ options: this.#options.resilience, events, clock })
    this.#pool = new ConnectionPool({ url, options: this.#options.pool, events, logger, clock })
    this.#prisma = new PrismaSource(this.#resilience)
    this.#transactions = new TransactionRunner({ pool: this.#pool, resilience: this.#resilience, audit: this.audit, events })
    this.#executors = resilientExecutors(this.#pool, this.#resilience)
    this.sql = this.#executors.once
    this.#effects = new WriteEffects({ events, cacheNamespace: this.#options.investigationCache })
    this.investigations = this.#investigations('own-transactions', this.#executors, this.#transactions)
    this.runs = new RunStore(this.#executors)
    this.metrics = new PrismaMetricStore(this.#prisma)
    this.#lifecycle = defineService({ name: this.name, start: () => this.#start(), stop: () => this.#stop() })
  }

  /** Brings the schema up to date (or checks it), connects, checks the server and opens the audit log. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** Refuses new work at once, waits for running work up to the pool's stop timeout, then cuts it off. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /**
   * Runs `work` in one transaction and commits. After a deadlock, a serialisation failure or a lost connection it is
   * rolled back and `work` runs again, so it must touch nothing but `tx`.
   *
   * @throws CommitUnknownError the connection broke while committing, and `idempotent` was not set
   */
  transaction<T>(work: (tx: DatabaseTransaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#transactions.run((unit) => work(this.#bind(unit)), options)
  }

  /**
   * Writes invalidations of the cache to the outbox in a transaction of their own: for what could not be invalidated
   * directly. Throws `InvalidInvalidationError`.
   */
  async invalidate(...invalidations: readonly CacheInvalidation[]): Promise<void> {
    // Invalidating twice does no harm.
    await this.transaction(async (tx) => tx.invalidate(...invalidations), { idempotent: true })
  }

  /** Asks the server, without retry; rejects when it fails or the signal aborts. */
  async ping(signal?: AbortSignal): Promise<Ping> {
    signal?.throwIfAborted()
    const startedMs = performance.now()
    const { role } = await abortable(readServerFacts(this.#pool), signal)
    return { role, latencyMs: performance.now() - startedMs }
  }

  stats(): DatabaseStats {
    return Object.freeze({ ...this.#pool.stats(), breaker: this.#resilience.state })
  }

  /** Applies the migrations that are missing. May be called before `start`. */
  async migrate(): Promise<MigrationReport> {
    const { url, pool, logger } = this.#options
    const startedMs = performance.now()
    const report = await this.#resilience.run('idempotent', () => migrate({ url: url(), pool, logger }))
    this.#events.emit('migrated', { applied: report.applied.length, durationMs: performance.now() - startedMs })
    return report
  }

  async #start(): Promise<void> {
    await this.#settleSchema()
    await this.#pool.start()
    try {
      const facts = await this.#resilience.run('idempotent', () => readServerFacts(this.#pool))
      requireUsable(facts, { pool: this.#options.pool, events: this.#events, logger: this.#options.logger })
      await this.audit.open(this.#executors.idempotent)
      this.#prisma.open(this.#pool)
    } catch (error) {
      await this.#pool.stop()
      throw error
    }
  }

  async #settleSchema(): Promise<void> {
    const { migrations, url, pool } = this.#options
    if (migrations === 'skip') return
    if (migrations === 'apply') {
      await this.migrate()
      return
    }
    const { pending } = await this.#resilience.run('idempotent', () => migrationStatus({ url: url(), pool }))
    if (pending.length === 0) return
    throw new MigrationsPendingError(`the database lacks ${pending.join(', ')}: apply the migrations first`, {
      facts: { pending: pending.join(', ') },
    })
  }

  async #stop(): Promise<void> {
    // The pool first and at once, so that nothing new begins while Prisma is closing.
    await Promise.all([this.#pool.stop(), this.#prisma.close()])
  }

  #investigations(scope: StoreScope, executors: Executors, units: UnitRunner): InvestigationStore {
    return new InvestigationStore({ scope, executors, units, clock: this.#options.clock, effects: this.#effects })
  }

  #bind(unit: UnitOfWork): DatabaseTransaction {
    const executors = transactionExecutors(unit.sql)
    const units = { atomically: inThis, singly: inThis }
    function inThis<T>(work: (same: UnitOfWork) => Promise<T>): Promise<T> {
      return work(unit)
    }
    return {
      investigations: this.#investigations('one-transaction', executors, units),
      runs: new RunStore(executors),
      sql: unit.sql,
      audit: (...entries) => unit.audit(entries),
      invalidate: (...invalidations) => unit.invalidate(invalidations),
      afterCommit: (callback) => unit.afterCommit(callback),
    }
  }
}

/** A database that connects when started. Throws `InvalidOptionsError`. */
export function createDatabase(options: DatabaseOptions): Database {
  return new Database(options)
}

function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
