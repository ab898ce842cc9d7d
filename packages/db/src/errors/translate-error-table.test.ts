import { describe, expect, it } from 'vitest'
import { DatabaseError } from './database-error.ts'
import { translateError } from './translate-error.ts'

/** Whether the same call may be repeated: always, only where it is idempotent, never. */
type Retry = 'retried' | 'retried if idempotent' | 'not retried'

function retryOf(error: unknown): Retry {
  if (!(error instanceof DatabaseError) || !error.transient) return 'not retried'
  return error.effect === 'none' ? 'retried' : 'retried if idempotent'
}

type Row = readonly [state: string, code: string, retry: Retry]

/** Every class of PostgreSQL's SQLSTATEs, and in it each state that is treated in a way of its own. */
const SQL_STATES: readonly Row[] = [
  ['01000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['02000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['03000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['08000', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['08001', 'DB_UNAVAILABLE', 'retried'],
  ['08003', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['08004', 'DB_UNAVAILABLE', 'retried'],
  ['08006', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['08007', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['08P01', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['09000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['0A000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['0B000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['0F001', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['0L000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['0P000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['0Z002', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['20000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['21000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['22001', 'DB_INVALID_VALUE', 'not retried'],
  ['22021', 'DB_INVALID_VALUE', 'not retried'],
  ['22P02', 'DB_INVALID_VALUE', 'not retried'],
  ['23001', 'DB_CONSTRAINT', 'not retried'],
  ['23502', 'DB_CONSTRAINT', 'not retried'],
  ['23503', 'DB_CONSTRAINT', 'not retried'],
  ['23505', 'DB_CONSTRAINT', 'not retried'],
  ['23514', 'DB_CONSTRAINT', 'not retried'],
  ['23P01', 'DB_CONSTRAINT', 'not retried'],
  ['24000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['25001', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['25006', 'DB_READ_ONLY', 'not retried'],
  ['25P02', 'DB_TRANSACTION_ABORTED', 'not retried'],
  ['25P03', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['25P04', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['26000', 'DB_STALE_STATEMENT', 'retried'],
  ['27000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['28000', 'DB_AUTHENTICATION', 'not retried'],
  ['28P01', 'DB_AUTHENTICATION', 'not retried'],
  ['2B000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['2D000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['2F000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['34000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['38000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['39000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['3B001', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['3D000', 'DB_DATABASE_MISSING', 'not retried'],
  ['3F000', 'DB_SCHEMA_MISMATCH', 'not retried'],
  ['40000', 'DB_TRANSACTION_CONFLICT', 'retried'],
  ['40001', 'DB_TRANSACTION_CONFLICT', 'retried'],
  ['40002', 'DB_CONSTRAINT', 'not retried'],
  ['40003', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['40P01', 'DB_TRANSACTION_CONFLICT', 'retried'],
  ['42501', 'DB_PERMISSION_DENIED', 'not retried'],
  ['42601', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['42703', 'DB_SCHEMA_MISMATCH', 'not retried'],
  ['42883', 'DB_SCHEMA_MISMATCH', 'not retried'],
  ['42P01', 'DB_SCHEMA_MISMATCH', 'not retried'],
  ['44000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['53000', 'DB_SERVER_EXHAUSTED', 'not retried'],
  ['53100', 'DB_SERVER_EXHAUSTED', 'not retried'],
  ['53200', 'DB_SERVER_EXHAUSTED', 'not retried'],
  ['53300', 'DB_TOO_MANY_CONNECTIONS', 'retried'],
  ['53400', 'DB_SERVER_EXHAUSTED', 'not retried'],
  ['54000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['55006', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['55P03', 'DB_LOCK_TIMEOUT', 'not retried'],
  ['57000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['57014', 'DB_QUERY_CANCELLED', 'not retried'],
  ['57P01', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['57P02', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['57P03', 'DB_UNAVAILABLE', 'retried'],
  ['57P04', 'DB_DATABASE_MISSING', 'not retried'],
  ['57P05', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['58000', 'DB_SERVER_EXHAUSTED', 'not retried'],
  ['58030', 'DB_SERVER_EXHAUSTED', 'not retried'],
  ['72000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['F0000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['HV000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['P0001', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['XX000', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['XX001', 'DB_STATEMENT_REFUSED', 'not retried'],
]

const PRISMA_CODES: readonly Row[] = [
  ['P1000', 'DB_AUTHENTICATION', 'not retried'],
  ['P1001', 'DB_UNAVAILABLE', 'retried'],
  ['P1002', 'DB_UNAVAILABLE', 'retried'],
  ['P1003', 'DB_DATABASE_MISSING', 'not retried'],
  ['P1008', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['P1010', 'DB_PERMISSION_DENIED', 'not retried'],
  ['P1011', 'DB_TLS', 'not retried'],
  ['P1017', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['P2000', 'DB_INVALID_VALUE', 'not retried'],
  ['P2002', 'DB_CONSTRAINT', 'not retried'],
  ['P2003', 'DB_CONSTRAINT', 'not retried'],
  ['P2010', 'DB_STATEMENT_REFUSED', 'not retried'],
  ['P2011', 'DB_CONSTRAINT', 'not retried'],
  ['P2020', 'DB_INVALID_VALUE', 'not retried'],
  ['P2021', 'DB_SCHEMA_MISMATCH', 'not retried'],
  ['P2022', 'DB_SCHEMA_MISMATCH', 'not retried'],
  ['P2024', 'DB_POOL_TIMEOUT', 'not retried'],
  ['P2028', 'DB_TRANSACTION_ENDED', 'not retried'],
  ['P2034', 'DB_TRANSACTION_CONFLICT', 'retried'],
  ['P2037', 'DB_TOO_MANY_CONNECTIONS', 'retried'],
  ['P2039', 'DB_STATEMENT_REFUSED', 'not retried'],
]

const SYSTEM_CODES: readonly Row[] = [
  ['ECONNREFUSED', 'DB_UNAVAILABLE', 'retried'],
  ['ENOTFOUND', 'DB_UNAVAILABLE', 'retried'],
  ['EAI_AGAIN', 'DB_UNAVAILABLE', 'retried'],
  ['EHOSTUNREACH', 'DB_UNAVAILABLE', 'retried'],
  ['ENETUNREACH', 'DB_UNAVAILABLE', 'retried'],
  ['ECONNRESET', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['EPIPE', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['ETIMEDOUT', 'DB_CONNECTION_LOST', 'retried if idempotent'],
  ['CERT_HAS_EXPIRED', 'DB_TLS', 'not retried'],
  ['EWHATEVER', 'DB_UNEXPECTED', 'not retried'],
]

function withCode(code: string, message = 'the driver says so', facts: object = {}): Error {
  return Object.assign(new Error(message), { code, ...facts })
}

describe('what is retried, decided in one place', () => {
  it.each(SQL_STATES)('SQLSTATE %s is %s and is %s', (state, code, retry) => {
    const error = translateError(withCode(state))
    expect([error.code, retryOf(error)]).toEqual([code, retry])
  })

  it.each(PRISMA_CODES)("Prisma's %s is %s and is %s", (prismaCode, code, retry) => {
    const error = translateError(withCode(prismaCode))
    expect([error.code, retryOf(error)]).toEqual([code, retry])
  })

  it.each(SYSTEM_CODES)("the system's %s is %s and is %s", (systemCode, code, retry) => {
    const error = translateError(withCode(systemCode))
    expect([error.code, retryOf(error)]).toEqual([code, retry])
  })

  it.each(['P2002', 'P2010', 'P2034', 'P2039'])("goes by the server's own state where Prisma's %s has one", (prismaCode) => {
    for (const [state, code, retry] of SQL_STATES) {
      const error = translateError(withCode(prismaCode, 'm', { meta: { driverAdapterError: { cause: { originalCode: state } } } }))
      expect([state, error.code, retryOf(error)]).toEqual([state, code, retry])
    }
  })

  it('knows a prepared statement that a change of the schema spoiled', () => {
    const error = translateError(withCode('0A000', 'cached plan must not change result type'))
    expect([error.code, retryOf(error)]).toEqual(['DB_STALE_STATEMENT', 'retried'])
  })

  it('has a row for every class of states that PostgreSQL documents', () => {
    const classes = new Set(SQL_STATES.map(([state]) => state.slice(0, 2)))
    const documented =
      '01 02 03 08 09 0A 0B 0F 0L 0P 0Z 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 XX'
    expect([...classes].toSorted()).toEqual(documented.split(' ').toSorted())
  })
})
