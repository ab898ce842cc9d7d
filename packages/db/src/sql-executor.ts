/** One statement with its parameters. A name makes it a prepared statement; the same name always goes with the same text. */
export interface SqlStatement {
  readonly name?: string | undefined
  readonly text: string
  readonly values?: unknown[] | undefined
  /**
   * `once`: a named statement that lists its columns, whose types no migration changes while processes run. The server
   * is then asked for them once a connection, which makes a small read a seventh cheaper. @default each time
   */
  readonly describe?: 'once' | undefined
}

export interface SqlResult<Row> {
  readonly rows: Row[]
  /** Rows returned or changed; `null` for a command that has none. */
  readonly rowCount: number | null
  /** The server's word for what it did: `INSERT`, `COMMIT`. */
  readonly command: string
}

/** What runs one statement: the pool, or the one client that holds a transaction. Parameters only, never text glued together. */
export interface SqlExecutor {
  query<Row extends object>(query: SqlStatement | string, values?: unknown[]): Promise<SqlResult<Row>>
}
