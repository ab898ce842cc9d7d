import type { QueryConfig, QueryResult, QueryResultRow } from 'pg'

/** What runs one statement: the pool, or the one client that holds a transaction. Parameters only, never text glued together. */
export interface SqlExecutor {
  query<Row extends QueryResultRow>(query: QueryConfig | string, values?: unknown[]): Promise<QueryResult<Row>>
}
