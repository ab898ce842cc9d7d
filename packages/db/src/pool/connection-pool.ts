import { defineService, systemClock, toError, type Clock, type Logger, type Service, type TypedEvents } from '@cidadao/contracts'
import type pg from 'pg'
import { ConnectionLostError, DatabaseUnavailableError } from '../errors/connection-errors.ts'
import { DatabaseClosedError, DatabaseError } from '../errors/database-error.ts'
import { StaleStatementError } from '../errors/statement-errors.ts'
import { translateError } from '../errors/translate-error.ts'
import type { DatabaseEvents } from '../events.ts'
import type { SqlExecutor, SqlResult, SqlStatement } from '../sql-executor.ts'
import { resolveAddress } from './connection-address.ts'
import { isFailure, meteredClient } from './metered-client.ts'
import { PingingPool } from './pinging-pool.ts'
import { toTlsConfig, type ResolvedPoolOptions } from './pool-options.ts'
import { PoolStats, type PoolSnapshot } from './pool-stats.ts'

/** First TCP probe of an idle connection: a device in between that forgets connections sees traffic before it does. */
const KEEP_ALIVE_DELAY_MS = 30_000

export interface ConnectionPoolParts {
  readonly url: () => string
  readonly options: ResolvedPoolOptions
  readonly events: TypedEvents<DatabaseEvents>
  readonly logger: Logger
  readonly clock?: Clock
}

/** One client for the length of a transaction. */
export interface PooledClient extends SqlExecutor {
  /** Hands the connection back; with an error it is closed instead. */
  release(error?: Error): void
}

/** Connections to one server, from `start` to `stop`. Errors are this package's; nothing is retried here. */
export class ConnectionPool implements Service, SqlExecutor {
  readonly name = 'db-pool'
  readonly #parts: ConnectionPoolParts
  readonly #lifecycle: Service
  readonly #stats = new PoolStats()
  #pool: PingingPool | undefined
  #clients = new Set<pg.ClientBase>()
  readonly #lost = new WeakSet<pg.ClientBase>()
  #onDrained: () => void = () => {}

  constructor(parts: ConnectionPoolParts) {
    this.#parts = parts
    this.#lifecycle = defineService({ name: this.name, start: () => this.#open(), stop: () => this.#close() })
  }

  /** Opens nothing yet: the first use connects. Throws `InvalidOptionsError` for an address that cannot work. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** New work is refused at once; running work has `stopTimeoutMs` to end, then its connections are cut. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /** Unlike the driver's own `query`, keeps the connection when the statement failed and the connection did not. */
  async query<Row extends object>(query: SqlStatement | string, values?: unknown[]): Promise<SqlResult<Row>> {
    try {
      return await this.#send<Row>(query, values)
    } catch (error) {
      // Here and not where it arose, so that its stack leads back to the caller.
      throw error instanceof WithoutConnection ? withoutConnection(translateError(error.cause)) : translateError(error)
    }
  }

  #send<Row extends object>(query: SqlStatement | string, values: unknown[] | undefined): Promise<SqlResult<Row>> {
    const { driver } = this
    return new Promise((resolve, reject) => {
      driver.connect((unreached, client, done) => {
        if (client === undefined) {
          reject(new WithoutConnection(unreached))
          return
        }
        let settled = false
        const settle = (error: unknown, result?: pg.QueryResult<Row & pg.QueryResultRow>): void => {
          // The driver tells of a value that it cannot send at once, and again when the connection ends.
          if (settled) return
          settled = true
          const failure = isFailure(error) ? translateError(error) : undefined
          done(isSpent(failure) ? failure : undefined)
          if (isFailure(error) || result === undefined) reject(toError(error))
          else resolve(result)
        }
        const send = client.query.bind(client) as (query: SqlStatement | string, values: unknown[] | undefined, settle: unknown) => void
        try {
          send(query, values, settle)
        } catch (error) {
          settle(error)
        }
      })
    })
  }

  /** Takes one connection out of the pool; the caller must release it. */
  async acquire(): Promise<PooledClient> {
    try {
      return toPooledClient(await this.driver.connect())
    } catch (error) {
      throw withoutConnection(translateError(error))
    }
  }

  /** The driver's pool, for Prisma's adapter. */
  get driver(): pg.Pool {
    if (this.#pool === undefined) throw new DatabaseClosedError('the database is not started')
    return this.#pool
  }

  stats(): PoolSnapshot {
    const { size, maxOverflow } = this.#parts.options
    const { totalCount = 0, idleCount = 0, waitingCount = 0 } = this.#pool ?? {}
    return this.#stats.snapshot({ total: totalCount, idle: idleCount, waiting: waitingCount, max: size + maxOverflow })
  }

  async #open(): Promise<void> {
    this.#pool = this.#createPool()
    this.#clients = new Set()
  }

  #createPool(): PingingPool {
    const { options, events } = this.#parts
    const pool = new PingingPool({
      ...toClientConfig(this.#parts.url(), options),
      min: options.size,
      max: options.size + options.maxOverflow,
      idleTimeoutMillis: options.idleTimeoutMs,
      maxLifetimeSeconds: options.maxLifetimeSeconds,
      acquireTimeoutMs: options.acquireTimeoutMs,
      pingAfterIdleMs: options.pingAfterIdleMs,
      pingTimeoutMs: options.pingTimeoutMs,
      Client: meteredClient((event) => {
        this.#stats.addQuery(event)
        events.emit('query', event)
      }),
      onAcquired: (waitMs) => {
        this.#stats.addWait(waitMs)
        events.emit('acquire', { waitMs })
      },
      onReleased: (useMs) => {
        this.#stats.addUse(useMs)
        events.emit('release', { useMs })
      },
      onTimeout: (waitMs, waiting) => {
        this.#stats.addTimeout()
        events.emit('pool-timeout', { waitMs, waiting })
      },
    })
    // The same failure as the connection's own `error` below; without a listener it would end the process.
    pool.on('error', () => {})
    pool.on('connect', (client) => {
      this.#clients.add(client)
      client.on('error', (error: Error) => this.#reportLoss(client, error))
      events.emit('connect', { total: pool.totalCount })
    })
    // A connection that breaks while it answers tells only the statement; so it is noticed when it is handed back.
    pool.on('release', (error: Error | undefined, client) => this.#reportLoss(client, error))
    pool.on('remove', (client) => {
      this.#clients.delete(client)
      events.emit('remove', { total: pool.totalCount })
      if (this.#pool === undefined && this.#clients.size === 0) this.#onDrained()
    })
    return pool
  }

  #reportLoss(client: pg.ClientBase, error: Error | null | undefined): void {
    const failure = isFailure(error) ? translateError(error) : undefined
    if (!isBroken(failure) || this.#lost.has(client)) return
    this.#lost.add(client)
    this.#parts.logger.warn('a database connection broke', { code: failure.code })
    this.#parts.events.emit('connection-lost', { code: failure.code })
  }

  async #close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    if (pool === undefined) return
    // Not the driver's own promise: it counts a connection as gone before its socket is closed, and waits for ever for
    // one that is never handed back.
    const closed = this.#untilClosed()
    void pool.end()
    if (this.#clients.size === 0) this.#onDrained()
    await closed
  }

  #untilClosed(): Promise<void> {
    const clock = this.#parts.clock ?? systemClock
    return new Promise((resolve) => {
      const cut = clock.schedule(this.#parts.options.stopTimeoutMs, () => {
        this.#cutOffAll()
        resolve()
      })
      this.#onDrained = () => {
        cut.cancel()
        resolve()
      }
    })
  }

  #cutOffAll(): void {
    this.#parts.logger.warn('database work did not end in time and was cut off', { connections: this.#clients.size })
    for (const client of this.#clients) cutOff(client)
  }
}

/** The driver's settings that a pool and a single connection share. */
export function toClientConfig(url: string, options: ResolvedPoolOptions): pg.ClientConfig {
  const { connectionString, sessionOptions } = resolveAddress(url, options.tls !== undefined)
  const ssl = toTlsConfig(options.tls)
  return {
    connectionString,
    options: sessionOptions,
    application_name: options.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    connectionTimeoutMillis: Math.min(options.connectTimeoutMs, options.acquireTimeoutMs),
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + options.answerGraceMs,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
    ...(ssl === undefined ? {} : { ssl }),
  }
}

/** Whether the connection, and not only the statement, has failed: it must not be handed out again. */
export function isBroken(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.effect === 'unknown'
}

/** Whether another connection would do better: this one broke, or its prepared statements no longer fit. */
export function isSpent(error: unknown): error is DatabaseError {
  return isBroken(error) || error instanceof StaleStatementError
}

/** Carries a failure from before there was a connection. */
class WithoutConnection extends Error {
  constructor(cause: unknown) {
    super('no connection', { cause })
  }
}

/** A connection that broke before it was ours has carried nothing: whatever happened, repeating is safe. */
function withoutConnection(error: Error): Error {
  if (!(error instanceof ConnectionLostError)) return error
  return new DatabaseUnavailableError('the connection broke before it was ready', { cause: error, facts: error.facts })
}

function toPooledClient(client: pg.PoolClient): PooledClient {
  return {
    query: async <Row extends object>(query: SqlStatement | string, values?: unknown[]) => {
      try {
        return await client.query<Row & pg.QueryResultRow>(toDriverQuery(query), values)
      } catch (error) {
        throw translateError(error)
      }
    },
    release: (error) => client.release(error),
  }
}

/** The driver's declarations leave `undefined` out of optional members; the driver itself minds no difference. */
function toDriverQuery(query: SqlStatement | string): pg.QueryConfig | string {
  return query as pg.QueryConfig | string
}

/** Ends a connection that is in use, at once. The user sees a lost connection. */
function cutOff(client: pg.ClientBase): void {
  const { connection } = client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }
  connection.stream.destroy()
}
