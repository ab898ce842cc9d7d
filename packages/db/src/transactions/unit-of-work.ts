import type { AuditEntry } from '../audit/audit-entry.ts'
import { TransactionEndedError } from '../errors/database-error.ts'
import { toOutboxDrafts, type CacheInvalidation, type OutboxDraft } from '../outbox/cache-invalidation.ts'
import type { AttemptContext } from '../resilience/resilience.ts'
import type { SqlExecutor, SqlResult, SqlStatement } from '../sql-executor.ts'

/** What repositories do their writing in: a transaction, or one statement that commits by itself. */
export interface UnitOfWork {
  readonly sql: SqlExecutor
  readonly attempt: AttemptContext
  /** Keeps entries to be appended last, so that the log's lock is held for as short as can be. */
  audit(entries: readonly AuditEntry[]): void
  /**
   * Keeps invalidations of the cache; they are written to the outbox just before the commit. A unit that is a single
   * statement has no transaction for them and throws: its work belongs into `atomically`.
   */
  invalidate(invalidations: readonly CacheInvalidation[]): void
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

/** Whether the unit is a transaction or one statement that commits by itself. */
export const UNIT_SCOPES = ['transaction', 'statement'] as const
export type UnitScope = (typeof UNIT_SCOPES)[number]

/** The unit itself; whoever runs it collects what it gathered. */
export class OpenUnit implements UnitOfWork {
  readonly attempt: AttemptContext
  readonly sql: SqlExecutor
  readonly #scope: UnitScope
  readonly #entries: AuditEntry[] = []
  readonly #outbox: OutboxDraft[] = []
  readonly #callbacks: (() => void)[] = []
  #ended = false

  constructor(executor: SqlExecutor, attempt: AttemptContext, scope: UnitScope = 'transaction') {
    this.attempt = attempt
    this.#scope = scope
    this.sql = {
      query: async <Row extends object>(query: SqlStatement | string, values?: unknown[]): Promise<SqlResult<Row>> => {
        this.#requireOpen()
        return executor.query<Row>(query, values)
      },
    }
  }

  audit(entries: readonly AuditEntry[]): void {
    this.#requireKept(entries.length)
    this.#entries.push(...entries)
  }

  invalidate(invalidations: readonly CacheInvalidation[]): void {
    const drafts = invalidations.flatMap(toOutboxDrafts)
    this.#requireKept(drafts.length)
    for (const draft of drafts) this.#outbox.push(draft)
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

  get outbox(): readonly OutboxDraft[] {
    return this.#outbox
  }

  committed(): void {
    for (const callback of this.#callbacks) callback()
  }

  /** What is kept until the commit would be lost where there is none to come. */
  #requireKept(count: number): void {
    this.#requireOpen()
    if (this.#scope === 'transaction' || count === 0) return
    throw new TransactionEndedError('a single statement has no commit to add to: do this work in a transaction')
  }

  #requireOpen(): void {
    if (this.#ended) throw new TransactionEndedError('the transaction has ended: was a promise not awaited?')
  }
}
