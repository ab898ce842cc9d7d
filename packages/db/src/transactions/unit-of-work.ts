import type { AuditEntry } from '../audit/audit-entry.ts'
import { TransactionEndedError } from '../errors/database-error.ts'
import type { AttemptContext } from '../resilience/resilience.ts'
import type { SqlExecutor, SqlResult, SqlStatement } from '../sql-executor.ts'

/** What repositories do their writing in: a transaction, or one statement that commits by itself. */
export interface UnitOfWork {
  readonly sql: SqlExecutor
  readonly attempt: AttemptContext
  /** Keeps entries to be appended last, so that the log's lock is held for as short as can be. */
  audit(entries: readonly AuditEntry[]): void
  /** Called once the work is committed, and not at all when it is rolled back. */
  afterCommit(callback: () => void): void
}

/** Where a repository gets its unit from: its own, or the transaction that it belongs to. */
export interface UnitRunner {
  /** All or nothing. */
  atomically<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>
  /** A single idempotent statement, possibly with reads after it: no transaction is opened for it. */
  singly<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>
}

/** The unit itself; whoever runs it collects what it gathered. */
export class OpenUnit implements UnitOfWork {
  readonly attempt: AttemptContext
  readonly sql: SqlExecutor
  readonly #entries: AuditEntry[] = []
  readonly #callbacks: (() => void)[] = []
  #ended = false

  constructor(executor: SqlExecutor, attempt: AttemptContext) {
    this.attempt = attempt
    this.sql = {
      query: async <Row extends object>(query: SqlStatement | string, values?: unknown[]): Promise<SqlResult<Row>> => {
        this.#requireOpen()
        return executor.query<Row>(query, values)
      },
    }
  }

  audit(entries: readonly AuditEntry[]): void {
    this.#requireOpen()
    this.#entries.push(...entries)
  }

  afterCommit(callback: () => void): void {
    this.#requireOpen()
    this.#callbacks.push(callback)
  }

  /** From here on, use is a bug of the caller and throws. */
  end(): void {
    this.#ended = true
  }

  get entries(): readonly AuditEntry[] {
    return this.#entries
  }

  committed(): void {
    for (const callback of this.#callbacks) callback()
  }

  #requireOpen(): void {
    if (this.#ended) throw new TransactionEndedError('the transaction has ended: was a promise not awaited?')
  }
}
