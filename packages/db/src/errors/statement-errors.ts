import { DatabaseError } from './database-error.ts'

/** A statement ran longer than the statement timeout and was stopped by the server. */
export class StatementTimeoutError extends DatabaseError {
  readonly code = 'DB_STATEMENT_TIMEOUT'
}

/** A statement got no answer at all for longer than the statement timeout and its grace: its effect is not known. */
export class AnswerTimeoutError extends DatabaseError {
  readonly code = 'DB_ANSWER_TIMEOUT'
  override readonly effect = 'unknown'
}

/** A statement was cancelled by somebody else. */
export class QueryCancelledError extends DatabaseError {
  readonly code = 'DB_QUERY_CANCELLED'
}

/** A row or table stayed locked for longer than the lock timeout. */
export class LockTimeoutError extends DatabaseError {
  readonly code = 'DB_LOCK_TIMEOUT'
}

/** Deadlock or serialisation failure: the transaction was rolled back and may be repeated. */
export class TransactionConflictError extends DatabaseError {
  readonly code = 'DB_TRANSACTION_CONFLICT'
  override readonly transient = true
}

/** A unique, foreign key, not-null, check or exclusion constraint refused the row. Facts name it. */
export class ConstraintError extends DatabaseError {
  readonly code = 'DB_CONSTRAINT'
}

/** The server could not read a value: too long, out of range, malformed. */
export class InvalidValueError extends DatabaseError {
  readonly code = 'DB_INVALID_VALUE'
}

/** The connected role may not do this. */
export class PermissionDeniedError extends DatabaseError {
  readonly code = 'DB_PERMISSION_DENIED'
}

/** A table, column or function is missing: the migrations of this version have not been applied. */
export class SchemaMismatchError extends DatabaseError {
  readonly code = 'DB_SCHEMA_MISMATCH'
}

/** The server is out of disk, memory or another resource. */
export class ServerExhaustedError extends DatabaseError {
  readonly code = 'DB_SERVER_EXHAUSTED'
}

/** A prepared statement no longer fits: a table was changed, or a pooler forgot it. Works on a new connection. */
export class StaleStatementError extends DatabaseError {
  readonly code = 'DB_STALE_STATEMENT'
  override readonly transient = true
}

/** The server refused the statement for a reason that has no class of its own here; facts hold its SQLSTATE. */
export class StatementRefusedError extends DatabaseError {
  readonly code = 'DB_STATEMENT_REFUSED'
}

/** A write was refused: the transaction is read only, or the server has become a replica. */
export class ReadOnlyError extends DatabaseError {
  readonly code = 'DB_READ_ONLY'
}
