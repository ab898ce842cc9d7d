import type { Repeatability, Resilience } from '../resilience/resilience.ts'
import type { SqlExecutor, SqlResult, SqlStatement } from '../sql-executor.ts'

/** Two ways to send one statement: to be repeated after any transient failure, or only where it surely did nothing. */
export interface Executors {
  /** For reads, and for writes that may happen twice. */
  readonly idempotent: SqlExecutor
  readonly once: SqlExecutor
}

/** Single statements on the pool, with retry and circuit breaker. */
export function resilientExecutors(pool: SqlExecutor, resilience: Resilience): Executors {
  const executor = (repeatability: Repeatability): SqlExecutor => ({
    query: <Row extends object>(query: SqlStatement | string, values?: unknown[]): Promise<SqlResult<Row>> =>
      resilience.run(repeatability, () => pool.query<Row>(query, values)),
  })
  return { idempotent: executor('idempotent'), once: executor('once') }
}

/** Inside a transaction a statement is never repeated by itself. */
export function transactionExecutors(sql: SqlExecutor): Executors {
  return { idempotent: sql, once: sql }
}
