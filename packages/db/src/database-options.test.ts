import { describe, expect, it } from 'vitest'
import { resolveDatabaseOptions, type DatabaseOptions } from './database-options.ts'
import { resolveAddress } from './pool/connection-address.ts'
import { toTlsConfig } from './pool/pool-options.ts'
import { beginStatement } from './transactions/transaction-options.ts'

const BASE: DatabaseOptions = { url: 'postgresql://u:secret@h:1/d', auditOrigin: 'audit.test/x' }

describe('resolveDatabaseOptions', () => {
  it("has the original's numbers as defaults", () => {
    const { pool, resilience } = resolveDatabaseOptions(BASE)
    expect(pool).toMatchObject({
      size: 20,
      maxOverflow: 30,
      acquireTimeoutMs: 30_000,
      maxLifetimeSeconds: 3_600,
      statementTimeoutMs: 30_000,
    })
    expect(resilience).toMatchObject({ attempts: 3, initialDelayMs: 1_000 })
    expect(Object.isFrozen(pool)).toBe(true)
  })

  it.each([
    ['pool.size', { pool: { size: 0 } }],
    ['pool.statementTimeoutMs', { pool: { statementTimeoutMs: Number.NaN } }],
    ['pool.applicationName', { pool: { applicationName: 'á' } }],
    ['resilience.maxDelayMs', { resilience: { initialDelayMs: 500, maxDelayMs: 100 } }],
    ['migrations', { migrations: 'sometimes' as 'apply' }],
    ['url', { url: '' }],
  ])('names %s, the rule and the value', (field, change) => {
    expect(() => resolveDatabaseOptions({ ...BASE, ...change })).toThrow(
      expect.objectContaining({ code: 'DB_INVALID_OPTIONS', facts: expect.objectContaining({ field }) as unknown }),
    )
  })
})

describe('resolveAddress', () => {
  it("puts our session options after the address's own, so that ours win", () => {
    const { connectionString, sessionOptions } = resolveAddress('postgresql://u:p@h/d?options=-c%20search_path%3Dx', false)
    expect(connectionString).toBe('postgresql://u:p@h/d')
    expect(sessionOptions).toBe('-c search_path=x -c TimeZone=UTC -c DateStyle=ISO')
  })

  it.each(['mysql://u:secret@h/d', 'secret'])('refuses %s without repeating it', (url) => {
    expect(() => resolveAddress(url, false)).toThrow(
      expect.objectContaining({ code: 'DB_INVALID_OPTIONS', message: expect.not.stringContaining('secret') as unknown }),
    )
  })

  it('refuses TLS that is set twice', () => {
    expect(() => resolveAddress('postgresql://h/d?sslmode=disable', true)).toThrow('pool.tls contradicts the address')
  })
})

describe('toTlsConfig', () => {
  it('always verifies the server where certificates are given', () => {
    expect(toTlsConfig({ ca: 'pem' })).toEqual({ ca: 'pem', rejectUnauthorized: true })
    expect([toTlsConfig('required'), toTlsConfig('off'), toTlsConfig(undefined)]).toEqual([true, false, undefined])
  })
})

describe('beginStatement', () => {
  it('lets nothing through that is not one of the set', () => {
    expect(beginStatement({ isolation: 'serializable', access: 'read only' })).toBe('BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY')
    expect(() => beginStatement({ isolation: 'x; DROP TABLE y' as 'serializable' })).toThrow('isolation must be one of')
  })
})
