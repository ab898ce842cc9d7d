import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
  type SqlResultSet,
  type Transaction,
} from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { quoteIdentifier, schemaOf, withDatabase } from './database-address.ts'
import { onServer } from './database-commands.ts'
import { singleSession, type CharColumns } from './single-session.ts'

/**
 * Prisma's adapter for PostgreSQL, made fit for migrations: whole scripts instead of pieces between semicolons, the
 * catalogues' one-byte type, and one session a database.
 */
export class MigrationAdapterFactory implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres'
  readonly adapterName = '@prisma/adapter-pg'
  readonly #url: string
  readonly #open = new Set<MigrationAdapter>()

  constructor(url: string) {
    this.#url = url
  }

  async connect(): Promise<SqlDriverAdapter> {
    return this.#adapterOf(this.#url, async () => {})
  }

  /** An empty database of its own on the same server, gone when it is disposed of. */
  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    const name = `prisma_migrate_shadow_db_${randomUUID()}`
    await onServer(this.#url, (client) => client.query(`CREATE DATABASE ${quoteIdentifier(name)}`))
    return this.#adapterOf(withDatabase(this.#url, name), async () => {
      await onServer(this.#url, (client) => client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`))
    })
  }

  /** Ends what the engine did not, as when it is stopped in the middle. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((adapter) => adapter.dispose()))
  }

  async #adapterOf(url: string, afterEnd: () => Promise<void>): Promise<SqlDriverAdapter> {
    const charColumns: CharColumns = new WeakMap()
    const session = singleSession(url, charColumns)
    const inner = await new PrismaPg(session.pool, { schema: schemaOf(url) }).connect()
    const end = async (): Promise<void> => {
      this.#open.delete(adapter)
      await session.end()
      await afterEnd()
    }
    const adapter = new MigrationAdapter({ inner, pool: session.pool, charColumns, end })
    this.#open.add(adapter)
    return adapter
  }
}

interface AdapterParts {
  readonly inner: SqlDriverAdapter
  readonly pool: pg.Pool
  readonly charColumns: CharColumns
  readonly end: () => Promise<void>
}

class MigrationAdapter implements SqlDriverAdapter {
  readonly provider = 'postgres'
  readonly adapterName = '@prisma/adapter-pg'
  readonly #parts: AdapterParts
  #ended: Promise<void> | undefined

  constructor(parts: AdapterParts) {
    this.#parts = parts
  }

  async queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    const result = await this.#parts.inner.queryRaw(query)
    for (const index of this.#parts.charColumns.get(result.rows) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character
    return result
  }

  executeRaw(query: SqlQuery): Promise<number> {
    return this.#parts.inner.executeRaw(query)
  }

  /** As one message, and so as one transaction: bodies of functions have semicolons too. */
  async executeScript(script: string): Promise<void> {
    const { pool } = this.#parts
    try {
      await pool.query(script)
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error
      // A script with a BEGIN of its own leaves an aborted transaction behind; otherwise this only draws a notice.
      await pool.query('ROLLBACK')
      throw asTheServerSaidIt(error)
    }
  }

  startTransaction(): Promise<Transaction> {
    return Promise.reject(new Error('the schema engine is not known to open transactions through an adapter'))
  }

  getConnectionInfo(): ReturnType<NonNullable<SqlDriverAdapter['getConnectionInfo']>> {
    return { supportsRelationJoins: true, ...this.#parts.inner.getConnectionInfo?.() }
  }

  dispose(): Promise<void> {
    this.#ended ??= this.#parts.end()
    return this.#ended
  }
}

/** The adapter would sort it into a class of its own, and the statement's failure would be told in other words. */
function asTheServerSaidIt({ code, severity, message, detail, column, hint }: pg.DatabaseError): DriverAdapterError {
  return new DriverAdapterError({ kind: 'postgres', code: code ?? '', severity: severity ?? 'ERROR', message, detail, column, hint })
}
