import pg from 'pg'
import type { SqlStatement } from '../sql-executor.ts'

/** What this file uses of the driver's query beyond its declarations; its version is pinned, and a test watches the wire. */
interface DriverQuery {
  readonly name: string
  readonly _result: ColumnShape
  _accumulateRows: boolean
  hasBeenParsed(connection: DriverConnection): boolean
  prepare(connection: DriverConnection): void
  handleRowDescription(message: unknown): void
}

/** What the driver makes of a description of columns. */
interface ColumnShape {
  fields: unknown
  _parsers: unknown
  _prebuiltEmptyResultObject: unknown
}

interface DriverConnection {
  describe?: () => void
}

export type QueryCallback = (error: Error | null | undefined, result: pg.QueryResult) => void

const DriverQuery = pg.Query as unknown as new (query: pg.QueryConfig, values: unknown, callback: QueryCallback) => DriverQuery

/** Columns of the prepared statements of a connection: the server cannot change them without preparing anew. */
const shapes = new WeakMap<DriverConnection, Map<string, ColumnShape>>()

/**
 * A prepared statement whose columns are asked for once a connection. The driver asks with each execution, and the
 * answer of a wide row costs both sides about as much as the row.
 */
export class OnceDescribedQuery extends DriverQuery {
  #connection: DriverConnection | undefined

  override prepare(connection: DriverConnection): void {
    this.#connection = connection
    const shape = this.hasBeenParsed(connection) ? shapes.get(connection)?.get(this.name) : undefined
    if (shape === undefined) {
      super.prepare(connection)
      return
    }
    Object.assign(this._result, shape)
    this._accumulateRows = true
    // The driver sends everything before it returns, so nobody else can meet the connection like this.
    connection.describe = () => {}
    try {
      super.prepare(connection)
    } finally {
      delete connection.describe
    }
  }

  override handleRowDescription(message: unknown): void {
    super.handleRowDescription(message)
    const connection = this.#connection
    if (connection === undefined) return
    const { fields, _parsers, _prebuiltEmptyResultObject } = this._result
    const known = shapes.get(connection) ?? new Map<string, ColumnShape>()
    shapes.set(connection, known.set(this.name, { fields, _parsers, _prebuiltEmptyResultObject }))
  }
}

/** Whether `query` may go as a `OnceDescribedQuery`: it has a name, and its author vouches for its columns. */
export function isDescribedOnce(query: unknown): query is SqlStatement & { readonly name: string } {
  return typeof query === 'object' && query !== null && 'describe' in query && query.describe === 'once' && 'name' in query
}
