import { DatabaseError } from './database-error.ts'

/** The server cannot be reached, is starting, or is shutting down. Nothing was executed. */
export class DatabaseUnavailableError extends DatabaseError {
  readonly code = 'DB_UNAVAILABLE'
  override readonly transient = true
}

/** The connection broke while a statement ran: whether it took effect is not known. */
export class ConnectionLostError extends DatabaseError {
  readonly code = 'DB_CONNECTION_LOST'
  override readonly transient = true
  override readonly effect = 'unknown'
}

/** The connection broke while committing: whether the transaction took effect is not known. Read before writing again. */
export class CommitUnknownError extends DatabaseError {
  readonly code = 'DB_COMMIT_UNKNOWN'
  override readonly transient = true
  override readonly effect = 'unknown'
}

/** The connection broke inside a transaction, before COMMIT was sent: the server has rolled everything back. */
export class TransactionLostError extends DatabaseError {
  readonly code = 'DB_TRANSACTION_LOST'
  override readonly transient = true
}

/** Every connection stayed busy for the whole acquire timeout. Raise the pool, shorten the work, or shed load. */
export class PoolTimeoutError extends DatabaseError {
  readonly code = 'DB_POOL_TIMEOUT'
}

/** The server was away several times in a row, so calls fail at once until a probe succeeds. */
export class CircuitOpenError extends DatabaseError {
  readonly code = 'DB_CIRCUIT_OPEN'
}

/** The server has no connection left for anybody. */
export class TooManyConnectionsError extends DatabaseError {
  readonly code = 'DB_TOO_MANY_CONNECTIONS'
  override readonly transient = true
}

/** This pool may open more connections than the server can ever give. Lower the pool or raise `max_connections`. */
export class ConnectionBudgetError extends DatabaseError {
  readonly code = 'DB_CONNECTION_BUDGET'
}

/** User or password refused. */
export class AuthenticationError extends DatabaseError {
  readonly code = 'DB_AUTHENTICATION'
}

/** The server answers, but has no database of that name. */
export class DatabaseMissingError extends DatabaseError {
  readonly code = 'DB_DATABASE_MISSING'
}

/** TLS could not be agreed on, or the certificate was refused. */
export class TlsError extends DatabaseError {
  readonly code = 'DB_TLS'
}

/** The server is a replica: it takes no writes. */
export class NotPrimaryError extends DatabaseError {
  readonly code = 'DB_NOT_PRIMARY'
}
