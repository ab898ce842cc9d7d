import pg from 'pg'
import { PoolTimeoutError } from '../errors/connection-errors.ts'

export interface PingingPoolOptions extends pg.PoolConfig {
  readonly pingAfterIdleMs: number
  readonly pingTimeoutMs: number
  readonly acquireTimeoutMs: number
  readonly onAcquired: (waitMs: number) => void
  readonly onReleased: (useMs: number) => void
  readonly onTimeout: (waitMs: number, waiting: number) => void
}

type ConnectCallback = (error: Error | undefined, client: pg.PoolClient | undefined, done: (release?: unknown) => void) => void

/**
 * The driver's pool, except that a connection that was idle for long is tried before it is handed out, and that
 * nothing which happens to a connection can end the process. Both `query` and Prisma take connections through
 * `connect`, so this holds for all.
 */
export class PingingPool extends pg.Pool {
  readonly #options: PingingPoolOptions
  readonly #idleSinceMs = new WeakMap<pg.ClientBase, number>()
  readonly #acquiredMs = new WeakMap<pg.ClientBase, number>()

  constructor(options: PingingPoolOptions) {
    const { acquireTimeoutMs, connectionTimeoutMillis } = options
    super({
      ...options,
      // To the pool, this is the wait for a connection to become free; to a client, the time to open one.
      connectionTimeoutMillis: acquireTimeoutMs,
      Client: clientWithConnectTimeout(options.Client ?? pg.Client, connectionTimeoutMillis ?? acquireTimeoutMs),
    })
    this.#options = options
    // The driver removes its own listener while a connection is in use; an `error` event that nobody hears ends the
    // process. The failure itself reaches whoever uses the connection through the next answer.
    this.on('connect', (client) => client.on('error', () => {}))
    this.on('release', (_error, client) => this.#noteRelease(client))
  }

  // Callbacks all the way: of a read by id, each promise in between was a measurable part.
  override connect(): Promise<pg.PoolClient>
  override connect(callback: ConnectCallback): void
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    const startedMs = performance.now()
    if (callback !== undefined) {
      this.#take(startedMs, callback)
      return undefined
    }
    return new Promise((resolve, reject) => {
      this.#take(startedMs, (error, client) => {
        if (client === undefined) reject(error ?? new Error('the pool gave neither a connection nor an error'))
        else resolve(client)
      })
    })
  }

  #take(startedMs: number, callback: ConnectCallback): void {
    const waiting = this.waitingCount
    super.connect((error, client, done) => {
      if (client === undefined) callback(error === undefined ? error : this.#toTimeout(error, startedMs, waiting), undefined, done)
      else if (!this.#isStale(client)) this.#handOver(client, startedMs, callback)
      else this.#ping(client, (answered) => (answered ? this.#handOver(client, startedMs, callback) : this.#take(startedMs, callback)))
    })
  }

  #handOver(client: pg.PoolClient, startedMs: number, callback: ConnectCallback): void {
    const nowMs = performance.now()
    this.#acquiredMs.set(client, nowMs)
    this.#options.onAcquired(nowMs - startedMs)
    callback(undefined, client, (error) => client.release(error as Error | undefined))
  }

  #toTimeout(error: Error, startedMs: number, waiting: number): Error {
    // The driver's words for "every connection stayed busy"; a server that does not answer is told otherwise.
    if (error.message !== 'timeout exceeded when trying to connect') return error
    const waitMs = performance.now() - startedMs
    this.#options.onTimeout(waitMs, waiting)
    return new PoolTimeoutError(`no connection became free within ${this.#options.acquireTimeoutMs} ms`, {
      cause: error,
      facts: { waitMs: Math.round(waitMs), total: this.totalCount, idle: this.idleCount, waiting: this.waitingCount },
    })
  }

  #isStale(client: pg.PoolClient): boolean {
    const idleSinceMs = this.#idleSinceMs.get(client)
    return idleSinceMs !== undefined && performance.now() - idleSinceMs > this.#options.pingAfterIdleMs
  }

  /** A connection that fails the ping is closed; the next one, or a new one, is tried instead. */
  #ping(client: pg.PoolClient, settle: (answered: boolean) => void): void {
    // `query_timeout` of a single statement is known to the driver, but missing from its type declarations.
    const ping: pg.QueryConfig & { readonly query_timeout: number } = { text: 'SELECT 1', query_timeout: this.#options.pingTimeoutMs }
    client.query(ping, (error: Error | null) => {
      if (error !== null) client.release(error)
      settle(error === null)
    })
  }

  #noteRelease(client: pg.PoolClient): void {
    const nowMs = performance.now()
    this.#idleSinceMs.set(client, nowMs)
    const acquiredMs = this.#acquiredMs.get(client)
    if (acquiredMs === undefined) return
    this.#acquiredMs.delete(client)
    this.#options.onReleased(nowMs - acquiredMs)
  }
}

function clientWithConnectTimeout(base: new (config?: string | pg.ClientConfig) => pg.ClientBase, timeoutMs: number): typeof pg.Client {
  return class ImpatientClient extends (base as typeof pg.Client) {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, connectionTimeoutMillis: timeoutMs })
    }
  }
}
