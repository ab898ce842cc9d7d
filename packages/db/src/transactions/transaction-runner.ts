import type { TypedEvents } from '@cidadao/contracts'
import type { AuditEntry } from '../audit/audit-entry.ts'
import { CommitUnknownError, ConnectionLostError, TransactionLostError } from '../errors/connection-errors.ts'
import { TransactionAbortedError, type DatabaseError } from '../errors/database-error.ts'
import { AnswerTimeoutError } from '../errors/statement-errors.ts'
import type { DatabaseEvents } from '../events.ts'
import { writeOutbox } from '../outbox/outbox-writer.ts'
import { isBroken, isSpent, type ConnectionPool, type PooledClient } from '../pool/connection-pool.ts'
import type { AttemptContext, Resilience } from '../resilience/resilience.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import { beginStatement, type TransactionOptions } from './transaction-options.ts'
import { OpenUnit, type UnitOfWork, type UnitRunner } from './unit-of-work.ts'

/** The only thing that a transaction needs of the audit log. */
export interface AuditAppender {
  append(tx: SqlExecutor, entries: readonly AuditEntry[]): Promise<unknown>
}

export interface TransactionRunnerParts {
  readonly pool: ConnectionPool
  readonly resilience: Resilience
  readonly audit: AuditAppender
  readonly events: TypedEvents<DatabaseEvents>
}

/**
 * Opens transactions, ends them, and repeats them where that is safe: after a deadlock or a serialisation failure,
 * and where the server could not be reached at all. A commit whose answer never came is repeated for idempotent work
 * only; otherwise it is reported as `CommitUnknownError`.
 */
export class TransactionRunner implements UnitRunner {
  readonly #parts: TransactionRunnerParts

  constructor(parts: TransactionRunnerParts) {
    this.#parts = parts
  }

  /** Work of a repository: repeating it is safe, since each write names the version it expects. */
  atomically<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.run(work, { idempotent: true })
  }

  async singly<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const { unit, result } = await this.#parts.resilience.run('idempotent', async (attempt) => {
      const open = new OpenUnit(this.#parts.pool, attempt, 'statement')
      return { unit: open, result: await work(open) }
    })
    unit.end()
    unit.committed()
    return result
  }

  async run<T>(work: (unit: UnitOfWork) => Promise<T>, options: TransactionOptions): Promise<T> {
    const begin = beginStatement(options)
    const repeatability = options.idempotent === true ? 'idempotent' : 'once'
    const { unit, result } = await this.#parts.resilience.run(repeatability, (attempt) => this.#attempt(begin, attempt, work))
    // After the connection went back: a listener may want one itself.
    unit.committed()
    if (unit.entries.length > 0) this.#parts.events.emit('audited', { entries: unit.entries.length })
    if (unit.outbox.length > 0) this.#parts.events.emit('outbox-written', { rows: unit.outbox.length })
    return result
  }

  async #attempt<T>(
    begin: string,
    attempt: AttemptContext,
    work: (unit: UnitOfWork) => Promise<T>,
  ): Promise<{ readonly unit: OpenUnit; readonly result: T }> {
    const client = await this.#parts.pool.acquire()
    const unit = new OpenUnit(client, attempt)
    try {
      await client.query(begin)
      const result = await work(unit)
      unit.end()
      // The log last: its lock is held from here to the end of the commit, and all writers queue for it.
      if (unit.outbox.length > 0) await writeOutbox(client, unit.outbox)
      if (unit.entries.length > 0) await this.#parts.audit.append(client, unit.entries)
      await commit(client)
      client.release()
      return { unit, result }
    } catch (error) {
      unit.end()
      await abandon(client, error)
      throw isBeforeCommit(error) ? withoutEffect(error) : error
    }
  }
}

async function commit(client: PooledClient): Promise<void> {
  let command: string
  try {
    command = (await client.query('COMMIT')).command
  } catch (error) {
    if (!isBroken(error)) throw error
    throw new CommitUnknownError('the connection broke while committing: whether it took effect is not known', { cause: error })
  }
  // The server's way of answering a COMMIT after a failed statement.
  if (command === 'ROLLBACK') throw new TransactionAbortedError('a statement had failed inside the transaction: nothing was committed')
}

/** Rolls back and hands the connection back, or closes it where it no longer serves. */
async function abandon(client: PooledClient, error: unknown): Promise<void> {
  if (isSpent(error)) {
    client.release(error)
    return
  }
  try {
    await client.query('ROLLBACK')
    client.release()
  } catch (rollbackError) {
    // The server rolls back by itself when the connection ends.
    client.release(rollbackError as Error)
  }
}

/** A connection that broke, or was given up, before COMMIT was sent took everything with it: nothing is unknown then. */
function isBeforeCommit(error: unknown): error is ConnectionLostError | AnswerTimeoutError {
  return error instanceof ConnectionLostError || error instanceof AnswerTimeoutError
}

function withoutEffect(error: DatabaseError): TransactionLostError {
  return new TransactionLostError('the connection broke inside the transaction: nothing was committed', { cause: error })
}
