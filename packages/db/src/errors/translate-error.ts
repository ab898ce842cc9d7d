import { InfraError, toError } from '@cidadao/contracts'
import { toAuditError } from '../audit/audit-errors.ts'
import {
  AuthenticationError,
  ConnectionLostError,
  DatabaseMissingError,
  DatabaseUnavailableError,
  PoolTimeoutError,
  TlsError,
  TooManyConnectionsError,
} from './connection-errors.ts'
import { DatabaseClosedError, TransactionEndedError, UnexpectedDatabaseError, type DatabaseError } from './database-error.ts'
import { bySqlState, type Failure } from './from-sql-state.ts'
import {
  AnswerTimeoutError,
  ConstraintError,
  InvalidValueError,
  PermissionDeniedError,
  SchemaMismatchError,
  StatementRefusedError,
  TransactionConflictError,
} from './statement-errors.ts'

/**
 * Turns whatever the driver, Prisma or the socket threw into one of this package's errors. The only place that knows
 * Prisma's codes, the drivers' plain messages and (beside it) SQLSTATEs. Deliberate errors pass unchanged.
 */
export function translateError(thrown: unknown): InfraError {
  if (thrown instanceof InfraError) return thrown
  const error = toError(thrown)
  const audit = toAuditError(error)
  if (audit instanceof InfraError) return audit
  const failure = describeFailure(error)
  return bySqlState(failure, error) ?? bySystemCode(failure, error) ?? byPrismaCode(failure, error) ?? byMessage(error) ?? unexpected(error)
}

// With a digit, since EPIPE has five capitals too; and Prisma begins at P1000, PL/pgSQL's own are P0000 to P0004.
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/
const PRISMA_CODE = /^P[1-9]\d{3}$/

/** Reads the same facts from pg's flat error and from the one that Prisma wraps around it. */
function describeFailure(error: Error): Failure {
  const inner = read(read(read(error, 'meta'), 'driverAdapterError'), 'cause') ?? read(error, 'cause') ?? {}
  const text = (name: string): string | undefined => asText(read(error, name))
  const code = text('code')
  const ownState = code !== undefined && SQLSTATE.test(code) && !PRISMA_CODE.test(code) ? code : undefined
  return {
    code,
    sqlState: ownState ?? asText(read(inner, 'originalCode')) ?? asText(read(read(error, 'meta'), 'code')),
    constraint: text('constraint') ?? asText(read(read(inner, 'constraint'), 'index')),
    table: text('table'),
    column: text('column'),
    detail: text('detail'),
  }
}

function read(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT', 'EACCES']
const BROKEN = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED']
const TLS_CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_|HOSTNAME_MISMATCH)/

function bySystemCode(failure: Failure, cause: Error): DatabaseError | undefined {
  const code = failure.code ?? firstCode(cause)
  if (code === undefined) return undefined
  const options = { cause, facts: { systemCode: code } }
  if (UNREACHABLE.includes(code)) return new DatabaseUnavailableError(`the server cannot be reached (${code})`, options)
  if (BROKEN.includes(code)) return new ConnectionLostError(`the connection broke (${code})`, options)
  if (TLS_CODES.test(code)) return new TlsError(`TLS failed (${code})`, options)
  return undefined
}

/** A host name with several addresses fails with one error for each. */
function firstCode(error: Error): string | undefined {
  return error instanceof AggregateError ? asText(read(error.errors[0], 'code')) : undefined
}

function byPrismaCode({ code }: Failure, cause: Error): DatabaseError | undefined {
  const options = { cause, facts: { prismaCode: code ?? null } }
  switch (code) {
    case 'P1000':
      return new AuthenticationError('the server refused the user or the password', options)
    case 'P1001':
    case 'P1002':
      return new DatabaseUnavailableError('the server cannot be reached', options)
    case 'P1003':
      return new DatabaseMissingError('the database does not exist', options)
    case 'P1010':
      return new PermissionDeniedError('the database role is not permitted to do this', options)
    case 'P1011':
      return new TlsError('TLS failed', options)
    case 'P1008':
    case 'P1017':
      return new ConnectionLostError('the connection broke', options)
    case 'P2002':
    case 'P2003':
    case 'P2004':
    case 'P2011':
      return new ConstraintError('a constraint refused the row', options)
    case 'P2000':
    case 'P2020':
      return new InvalidValueError('the server could not read a value', options)
    case 'P2021':
    case 'P2022':
      return new SchemaMismatchError('the database lacks what this version needs', options)
    case 'P2024':
      return new PoolTimeoutError('no connection became free in time', options)
    case 'P2028':
      return new TransactionEndedError('the transaction had ended: it took too long, or a promise was not awaited', options)
    case 'P2010':
    case 'P2039':
      return new StatementRefusedError(`the server refused the statement: ${cause.message}`, options)
    case 'P2034':
      return new TransactionConflictError('the transaction conflicted with another one and was rolled back', options)
    case 'P2037':
      return new TooManyConnectionsError('the server has no connection left', options)
    default:
      return undefined
  }
}

/** The drivers say these without any code. */
function byMessage(cause: Error): DatabaseError | undefined {
  const { message } = cause
  if (/Connection terminated due to connection timeout|^timeout expired/.test(message)) {
    return new DatabaseUnavailableError('the server did not answer within the connect timeout', { cause })
  }
  if (/Connection terminated|not queryable|Client was closed/.test(message)) {
    return new ConnectionLostError('the connection broke', { cause })
  }
  if (message === 'Query read timeout') {
    return new AnswerTimeoutError('the server did not answer within the statement timeout and its grace', { cause })
  }
  if (message.includes('after calling end on the pool')) return new DatabaseClosedError('the database has been stopped', { cause })
  if (/server does not support SSL|establishing an SSL connection/.test(message)) {
    return new TlsError('the server does not offer TLS', { cause })
  }
  if (/password must be a string|SASL/i.test(message)) {
    return new AuthenticationError('the password is missing or was refused', { cause })
  }
  return undefined
}

function unexpected(cause: Error): DatabaseError {
  return new UnexpectedDatabaseError(cause.message, { cause })
}
