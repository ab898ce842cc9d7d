import { describeConfig } from '../src/index.ts'
import { describe, expect, it } from 'vitest'
import { CERTIFICATE } from './certificate.ts'
import { load } from './load.ts'

describe('describeConfig', () => {
  const config = load(
    {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgres://u:p@db.example/x?sslmode=verify-ca',
      DATABASE_SSL_CA: CERTIFICATE,
      CIDADAO_TYPO: '1',
      CIDADAO_AUDIT_ORIGIN: 'audit.example.org/prod',
    },
    { overrides: { CIDADAO_HTTP_PORT: '1234' } },
  )
  const { rows, text } = describeConfig(config)

  it.each([
    ['NODE_ENV', 'preset', 'production', { kind: 'environment' }],
    ['DATABASE_URL', 'db.url', 'postgresql://u:***@db.example/x?sslmode=verify-ca', { kind: 'environment' }],
    ['DATABASE_SSL_CA', 'db.ssl.ca', '(PEM certificates: 1)', { kind: 'environment' }],
    ['DATABASE_POOL_TIMEOUT', 'db.poolTimeoutMs', '60', { kind: 'preset', detail: 'production' }],
    ['CIDADAO_HTTP_PORT', 'http.port', '1234', { kind: 'override' }],
    ['CIDADAO_HTTP_HOST', 'http.host', '127.0.0.1', { kind: 'default' }],
    ['REDIS_NODES', 'redis.nodes', null, { kind: 'default' }],
    ['REDIS_DECODE_RESPONSES', null, 'true', { kind: 'default' }],
  ])('has a row for %s with field, value and source', (variable, field, value, source) => {
    expect(rows.filter((row) => row.variable === variable)).toMatchObject([{ variable, field, value, source }])
  })

  it('is readable: a block a section, a line a variable, warnings last', () => {
    expect(text).toMatch(/^Preset\n {2}NODE_ENV +production {2}\(environment\)\n\nPostgreSQL\n/)
    expect(text).toMatch(/^ {2}DATABASE_POOL_TIMEOUT +60 {2}\(preset production\)$/m)
    expect(text).toMatch(/^ {2}REDIS_NODES +unset: no Redis$/m)
    expect(text).toMatch(/\n\nWarnings\n {2}CIDADAO_TYPO is not a variable of this program\n[^]*no checkpoints[^\n]*$/)
    for (const { variable } of rows) expect(text).toContain(`  ${variable} `)
  })
})
