import type { ErrorFacts } from '@cidadao/contracts'
import {
  AuthenticationError,
  ConnectionLostError,
  DatabaseMissingError,
  DatabaseUnavailableError,
  TooManyConnectionsError,
} from './connection-errors.ts'
import { TransactionAbortedError, type DatabaseError } from './database-error.ts'
import { IllegalTransitionError, ImmutableFieldError } from './investigation-errors.ts'
import {
  ConstraintError,
  InvalidValueError,
  LockTimeoutError,
  PermissionDeniedError,
  QueryCancelledError,
  ReadOnlyError,
  SchemaMismatchError,
  ServerExhaustedError,
  StaleStatementError,
  StatementRefusedError,
  StatementTimeoutError,
  TransactionConflictError,
} from './statement-errors.ts'

/** What the server says of a failure, and whoever wraps it. */
export interface Failure {
  readonly sqlState: string | undefined
  readonly code: string | undefined
  readonly constraint: string | undefined
  readonly table: string | undefined
  readonly column: string | undefined
  readonly detail: string | undefined
}

/** By PostgreSQL's own code; undefined where there is none. */
export function bySqlState(failure: Failure, cause: Error): DatabaseError | undefined {
  const { sqlState } = failure
  if (sqlState === undefined) return undefined
  const options = { cause, facts: { sqlState } }
  switch (sqlState) {
    case '40002':
      return constraintError(failure, sqlState, cause)
    case '40003':
      return new ConnectionLostError('whether the statement took effect is not known', options)
    case '25P02':
      return new TransactionAbortedError('an earlier statement of the transaction had failed: nothing more is done in it', options)
    case '26000':
      return new StaleStatementError('the server has no prepared statement of this name any more', options)
    case '0A000':
      return cause.message.includes('cached plan must not change result type')
        ? new StaleStatementError('a table has changed under a prepared statement', options)
        : bySqlStateClass(failure, sqlState, cause)
    case '57014':
      return cause.message.includes('statement timeout')
        ? new StatementTimeoutError('the statement took longer than the statement timeout', options)
        : new QueryCancelledError('the statement was cancelled', options)
    case '55P03':
      return new LockTimeoutError('a lock was not granted within the lock timeout', options)
    case '57P01':
    case '57P02':
    case '57P05':
    case '25P03':
    case '25P04':
      return new ConnectionLostError('the server ended the connection', options)
    case '57P03':
      return new DatabaseUnavailableError('the server is not accepting connections yet', options)
    case '53300':
      return new TooManyConnectionsError('the server has no connection left', options)
    case '3D000':
    case '57P04':
      return new DatabaseMissingError('the database does not exist', options)
    case '25006':
      return new ReadOnlyError('a write was refused: the transaction is read only, or the server is a replica', options)
    case '42501':
      return new PermissionDeniedError('the database role is not permitted to do this', options)
    case '42P01':
    case '42703':
    case '42883':
    case '3F000':
      return new SchemaMismatchError(`the database lacks what this version needs: ${cause.message}`, options)
    default:
      return bySqlStateClass(failure, sqlState, cause)
  }
}

function bySqlStateClass(failure: Failure, sqlState: string, cause: Error): DatabaseError {
  const options = { cause, facts: { sqlState } }
  switch (sqlState.slice(0, 2)) {
    case '08':
      return sqlState === '08001' || sqlState === '08004'
        ? new DatabaseUnavailableError('the server refused the connection', options)
        : new ConnectionLostError('the connection failed', options)
    case '22':
      return new InvalidValueError(`the server could not read a value: ${cause.message}`, options)
    case '23':
      return constraintError(failure, sqlState, cause)
    case '28':
      return new AuthenticationError('the server refused the user or the password', options)
    case '40':
      return new TransactionConflictError('the transaction conflicted with another one and was rolled back', options)
    case '53':
    case '58':
      return new ServerExhaustedError('the server ran out of a resource or failed on one', options)
    default:
      // The server answered, so the connection is sound and the statement had no effect.
      return new StatementRefusedError(`the server refused the statement: ${cause.message}`, options)
  }
}

const CONSTRAINT_KINDS: Readonly<Record<string, string>> = {
  '23502': 'not-null',
  '23503': 'foreign-key',
  '23505': 'unique',
  '23514': 'check',
  '23P01': 'exclusion',
}

function constraintError(failure: Failure, sqlState: string, cause: Error): DatabaseError {
  // Raised by the guard trigger, for writers that came past the repository.
  if (failure.constraint === 'investigations_immutable') return new ImmutableFieldError(failure.column ?? 'a column', cause)
  if (failure.constraint === 'investigations_transition') {
    const [from = '?', to = '?'] = (failure.detail ?? '').split('>')
    return new IllegalTransitionError(from, to, cause)
  }
  const kind = CONSTRAINT_KINDS[sqlState] ?? 'other'
  const name = failure.constraint ?? failure.column ?? 'unnamed'
  const facts: ErrorFacts = { sqlState, kind, constraint: name, table: failure.table ?? null }
  return new ConstraintError(`the ${kind} constraint "${name}" refused the row`, { cause, facts })
}
