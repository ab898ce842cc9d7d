import { describe, expect, it } from 'vitest'
import { DatabaseError } from './database-error.ts'
import { translateError } from './translate-error.ts'
import { VersionConflictError } from './investigation-errors.ts'

function driverError(facts: Readonly<Record<string, unknown>>, message = 'the driver says so'): Error {
  return Object.assign(new Error(message), facts)
}

/** As Prisma hands on what its adapter was told. */
function prismaError(code: string, cause: Readonly<Record<string, unknown>>): Error {
  return driverError({ name: 'PrismaClientKnownRequestError', code, meta: { driverAdapterError: { cause } } })
}

describe('translateError', () => {
  it.each([
    [{ code: '40001' }, 'DB_TRANSACTION_CONFLICT'],
    [{ code: '40P01' }, 'DB_TRANSACTION_CONFLICT'],
    [{ code: '57014' }, 'DB_QUERY_CANCELLED'],
    [{ code: '55P03' }, 'DB_LOCK_TIMEOUT'],
    [{ code: '57P01' }, 'DB_CONNECTION_LOST'],
    [{ code: '57P03' }, 'DB_UNAVAILABLE'],
    [{ code: '53300' }, 'DB_TOO_MANY_CONNECTIONS'],
    [{ code: '53100' }, 'DB_SERVER_EXHAUSTED'],
    [{ code: '3D000' }, 'DB_DATABASE_MISSING'],
    [{ code: '28P01' }, 'DB_AUTHENTICATION'],
    [{ code: '25006' }, 'DB_READ_ONLY'],
    [{ code: '42501' }, 'DB_PERMISSION_DENIED'],
    [{ code: '42P01' }, 'DB_SCHEMA_MISMATCH'],
    [{ code: '22001' }, 'DB_INVALID_VALUE'],
    [{ code: '23505', constraint: 'x_pkey' }, 'DB_CONSTRAINT'],
    [{ code: '08006' }, 'DB_CONNECTION_LOST'],
    [{ code: 'ECONNREFUSED' }, 'DB_UNAVAILABLE'],
    [{ code: 'ECONNRESET' }, 'DB_CONNECTION_LOST'],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'DB_TLS'],
    [{ code: 'P1001' }, 'DB_UNAVAILABLE'],
    [{ code: 'P2034' }, 'DB_TRANSACTION_CONFLICT'],
    [{ code: 'P2037' }, 'DB_TOO_MANY_CONNECTIONS'],
    [{ code: 'ZZ000' }, 'DB_STATEMENT_REFUSED'],
    [{ code: 'P0001' }, 'DB_STATEMENT_REFUSED'],
    [{ code: 'EPIPE' }, 'DB_CONNECTION_LOST'],
    [{ code: 'EWHAT' }, 'DB_UNEXPECTED'],
    [{}, 'DB_UNEXPECTED'],
  ])('knows %o as %s', (facts, code) => {
    const error = driverError(facts)
    expect(translateError(error)).toMatchObject({ code, cause: error })
  })

  it.each([
    ['canceling statement due to statement timeout', { code: '57014' }, 'DB_STATEMENT_TIMEOUT'],
    ['Connection terminated unexpectedly', {}, 'DB_CONNECTION_LOST'],
    ['Client has encountered a connection error and is not queryable', {}, 'DB_CONNECTION_LOST'],
    ['Connection terminated due to connection timeout', {}, 'DB_UNAVAILABLE'],
    ['Query read timeout', {}, 'DB_ANSWER_TIMEOUT'],
    ['The server does not support SSL connections', {}, 'DB_TLS'],
    ['Cannot use a pool after calling end on the pool', {}, 'DB_CLOSED'],
  ])('knows "%s" by its words', (message, facts, code) => {
    expect(translateError(driverError(facts, message))).toMatchObject({ code })
  })

  it("finds the server's own code under Prisma's, and the constraint", () => {
    const duplicate = prismaError('P2002', { originalCode: '23505', constraint: { index: 'metrics_pkey' } })
    expect(translateError(duplicate)).toMatchObject({ code: 'DB_CONSTRAINT', facts: { kind: 'unique', constraint: 'metrics_pkey' } })
    expect(translateError(prismaError('P2010', { originalCode: '40P01' }))).toMatchObject({ code: 'DB_TRANSACTION_CONFLICT' })
  })

  it('knows a host that refuses at every address', () => {
    const refused = new AggregateError([driverError({ code: 'ECONNREFUSED' }), driverError({ code: 'ECONNREFUSED' })])
    expect(translateError(refused)).toMatchObject({ code: 'DB_UNAVAILABLE' })
  })

  it('lets deliberate errors pass, and takes what is no error at all', () => {
    const deliberate = new VersionConflictError('inv_001', 1, 2)
    expect(translateError(deliberate)).toBe(deliberate)
    expect(translateError('thrown text')).toMatchObject({ code: 'DB_UNEXPECTED' })
  })

  it('says of each failure whether it may be repeated', () => {
    const advice = (code: string): unknown => {
      const error = translateError(driverError({ code }))
      return error instanceof DatabaseError ? { transient: error.transient, effect: error.effect } : error
    }
    expect(advice('40001')).toEqual({ transient: true, effect: 'none' })
    expect(advice('ECONNREFUSED')).toEqual({ transient: true, effect: 'none' })
    expect(advice('ECONNRESET')).toEqual({ transient: true, effect: 'unknown' })
    expect(advice('23505')).toEqual({ transient: false, effect: 'none' })
    expect(advice('57014')).toEqual({ transient: false, effect: 'none' })
  })
})
