import { describe, expect, it } from 'vitest'
import { toClientConfig } from './connection-pool.ts'
import { resolvePoolOptions, type PoolOptions } from './pool-options.ts'

describe('pool options', () => {
  it("have the original's values where nothing is said: 20 connections and 30 overflow, 30 s, 1 h, 30 s", () => {
    expect(resolvePoolOptions()).toMatchObject({
      size: 20,
      maxOverflow: 30,
      acquireTimeoutMs: 30_000,
      maxLifetimeSeconds: 3_600,
      statementTimeoutMs: 30_000,
    })
  })

  it('become settings of each session, our own wait for an answer a little longer than the server’s limit', () => {
    const options = resolvePoolOptions({ statementTimeoutMs: 1_000, answerGraceMs: 250, connectTimeoutMs: 700, acquireTimeoutMs: 500 })
    expect(toClientConfig('postgresql://u:p@h/d', options)).toMatchObject({
      statement_timeout: 1_000,
      query_timeout: 1_250,
      lock_timeout: 10_000,
      idle_in_transaction_session_timeout: 60_000,
      connectionTimeoutMillis: 500,
      keepAlive: true,
      options: '-c TimeZone=UTC -c DateStyle=ISO',
    })
  })

  it.each<[keyof PoolOptions, PoolOptions]>([
    ['size', { size: 0 }],
    ['maxOverflow', { maxOverflow: -1 }],
    ['acquireTimeoutMs', { acquireTimeoutMs: 0 }],
    ['connectTimeoutMs', { connectTimeoutMs: Number.NaN }],
    ['maxLifetimeSeconds', { maxLifetimeSeconds: 1.5 }],
    ['idleTimeoutMs', { idleTimeoutMs: 0 }],
    ['pingAfterIdleMs', { pingAfterIdleMs: -1 }],
    ['pingTimeoutMs', { pingTimeoutMs: 0 }],
    ['statementTimeoutMs', { statementTimeoutMs: 2 ** 31 }],
    ['answerGraceMs', { answerGraceMs: 0 }],
    ['lockTimeoutMs', { lockTimeoutMs: Number.POSITIVE_INFINITY }],
    ['idleInTransactionTimeoutMs', { idleInTransactionTimeoutMs: 0 }],
    ['stopTimeoutMs', { stopTimeoutMs: 0 }],
    ['processes', { processes: 0 }],
    ['applicationName', { applicationName: 'investigação' }],
  ])('name the field, the rule and the value of a %s that cannot work', (field, options) => {
    const refusal = (): unknown => resolvePoolOptions(options)
    expect(refusal).toThrow(
      expect.objectContaining({ code: 'DB_INVALID_OPTIONS', facts: expect.objectContaining({ field: `pool.${field}` }) as object }),
    )
    expect(refusal).toThrow(/ must be .*; received /)
  })
})
