import { format, inspect } from 'node:util'
import { describeConfig, Secret } from '../src/index.ts'
import { describe, expect, it } from 'vitest'
import { CERTIFICATE, privateKeyOf } from './certificate.ts'
import { failureOf, load } from './load.ts'

const SECRETS = {
  DATABASE_URL: 'postgresql+asyncpg://cidadao:hunter2-url@db.example:5432/cidadao_ai?sslmode=verify-full&options=hunter2-parameter',
  DATABASE_SSL_CERT: CERTIFICATE,
  DATABASE_SSL_KEY: privateKeyOf(1),
  REDIS_NODES: 'rediss://cache.example:7000',
  REDIS_PASSWORD: 'hunter2-redis',
  CIDADAO_API_KEY: 'hunter2-api-key-hunter2',
  OTEL_EXPORTER_OTLP_HEADERS: 'x-key=hunter2-collector',
}
const KEY_BODY = privateKeyOf(1).split('\n')[1] ?? ''

function expectNoSecret(text: string): void {
  expect(text).not.toContain('hunter2')
  expect(text).not.toContain(KEY_BODY)
}

describe('secrets', () => {
  const config = load(SECRETS)

  it('are there for those who ask', () => {
    expect(config.redis.password?.reveal()).toBe('hunter2-redis')
    expect(config.db.url?.reveal()).toContain('hunter2-url')
  })

  it.each([
    ['JSON', () => JSON.stringify(config)],
    ['inspect', () => inspect(config, { depth: Infinity, showHidden: true, getters: true })],
    ['console formatting', () => format('%s %o %O %j', config.redis.password, config, config.db, config)],
    ['concatenation', () => `${String(config.redis.password)}${String(config.db.url)}`],
    ['enumeration', () => JSON.stringify(Object.entries(Object.getOwnPropertyDescriptors(config.redis.password)))],
    ['cloning', () => JSON.stringify(structuredClone(config))],
    ['describe', () => JSON.stringify(describeConfig(config)) + describeConfig(config).text],
  ])('do not come out of %s', (_way, print) => {
    const text = print()
    expect(text).toContain('***')
    expectNoSecret(text)
  })

  it('leave enough of a URL to see which database it is', () => {
    expect(config.db.url?.display).toBe('postgresql://cidadao:***@db.example:5432/cidadao_ai')
  })

  it('do not come out of errors, whether they are wrong themselves or something else is', () => {
    const wrong = {
      ...SECRETS,
      CIDADAO_API_KEY: 'hunter2',
      DATABASE_SSL_KEY: `hunter2${KEY_BODY}`,
      REDIS_NODES: 'redis://:hunter2@a:1',
      QUERY_TIMEOUT: 'x',
    }
    const error = failureOf(wrong)
    expect(error.problems.map(({ variable }) => variable).toSorted()).toEqual([
      'CIDADAO_API_KEY',
      'DATABASE_SSL_KEY',
      'QUERY_TIMEOUT',
      'REDIS_NODES',
    ])
    expectNoSecret([error.message, error.stack, JSON.stringify(error), inspect(error, { depth: Infinity, showHidden: true })].join())
  })
})

describe('Secret', () => {
  it('shows *** unless given something better', () => {
    expect(String(new Secret('x'))).toBe('***')
    expect(inspect(new Secret('x'))).toBe("Secret { display: '***' }")
    expect(JSON.stringify({ s: new Secret('x', 'shown') })).toBe('{"s":"shown"}')
  })
})
