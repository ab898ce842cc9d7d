import { defineService, type Logger, type Service } from '@cidadao/contracts'
import { PostgresServer } from '@cidadao/postgres-server'
import pg from 'pg'
import { InvalidOptionsError } from './errors/database-error.ts'
import { translateError } from './errors/translate-error.ts'

export interface EmbeddedPostgresOptions {
  /** Folder for data, log and password; made where missing. Processes that name the same one share its server. */
  readonly dataDir: string
  /** Made where missing. @default 'cidadao_ai' */
  readonly database?: string
  /** TCP port on the loopback address; 0 takes a free one. @default 0 */
  readonly port?: number
  /** PostgreSQL settings. @default {} */
  readonly settings?: Readonly<Record<string, string>>
  /** @default silent */
  readonly logger?: Logger
}

/** A real PostgreSQL of our own, and its address once it runs. */
export interface EmbeddedPostgres extends Service {
  /** With the password in it: never log it. Throws `PostgresNotRunningError` before `start` and after `stop`. */
  readonly url: string
}

const DEFAULT_DATABASE = 'cidadao_ai'

/** The server for people who have none: started with the process, data kept in a folder. Errors are those of `@cidadao/postgres-server`. */
export function createEmbeddedPostgres(options: EmbeddedPostgresOptions): EmbeddedPostgres {
  const { database = DEFAULT_DATABASE, ...serverOptions } = options
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(database)) {
    throw new InvalidOptionsError('database', 'must be lower-case letters, digits and underscores', JSON.stringify(database))
  }
  const server = new PostgresServer({ mode: 'durable', ...serverOptions })
  const lifecycle = defineService({
    name: 'embedded-postgres',
    start: async (signal) => {
      await server.start(signal)
      try {
        await createDatabaseIfMissing(server.connectionUrl('postgres'), database)
      } catch (error) {
        await server.stop()
        throw error
      }
    },
    stop: () => server.stop(),
  })
  return {
    ...lifecycle,
    get url() {
      return server.connectionUrl(database)
    },
  }
}

async function createDatabaseIfMissing(adminUrl: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {}) // the statement that runs then fails with it; unheard, it would end the process
  try {
    await client.connect()
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} TEMPLATE template0 ENCODING 'UTF8'`)
  } catch (error) {
    // Another process that shares the server was faster.
    if (error instanceof pg.DatabaseError && error.code === '42P04') return
    throw translateError(error)
  } finally {
    await client.end()
  }
}
