import { InfraError, type InfraErrorOptions } from '@cidadao/contracts'

/** What failed work left behind: surely nothing, or nobody knows (the connection broke before the answer came). */
export const EFFECTS = ['none', 'unknown'] as const
export type Effect = (typeof EFFECTS)[number]

/**
 * The root of every error of this package. `transient` says that the same call may well succeed when repeated at
 * once; `effect` says whether repeating could do the work twice. Only transient failures are retried, and those of
 * unknown effect only where the work is idempotent.
 */
export abstract class DatabaseError extends InfraError {
  readonly transient: boolean = false
  readonly effect: Effect = 'none'
}

/** An option has a value that cannot work. The message names the field, the rule and the value. */
export class InvalidOptionsError extends DatabaseError {
  readonly code = 'DB_INVALID_OPTIONS'

  constructor(field: string, rule: string, received: string) {
    super(`${field} ${rule}; received ${received}`, { facts: { field, rule } })
  }
}

/** The database is not started, or has been stopped. */
export class DatabaseClosedError extends DatabaseError {
  readonly code = 'DB_CLOSED'
}

/** A failure that no rule of the translation knows. `cause` is the driver's own error: please report it. */
export class UnexpectedDatabaseError extends DatabaseError {
  readonly code = 'DB_UNEXPECTED'
  override readonly effect = 'unknown'

  constructor(message: string, options: InfraErrorOptions) {
    super(`unexpected database failure: ${message}`, options)
  }
}

/** A statement failed inside the transaction and the failure was swallowed: nothing was committed. */
export class TransactionAbortedError extends DatabaseError {
  readonly code = 'DB_TRANSACTION_ABORTED'
}

/** The transaction had ended when it was used again. A promise was not awaited. */
export class TransactionEndedError extends DatabaseError {
  readonly code = 'DB_TRANSACTION_ENDED'
}
