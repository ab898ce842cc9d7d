import { loadConfig, connectionBudget, type Config } from '../src/index.ts'
import { describe, expect, it, vi } from 'vitest'
import { failureOf, load } from './load.ts'

/** The environment block of the original, and its defaults in milliseconds. */
const SEED_ENVIRONMENT = {
  DATABASE_URL: 'postgresql+asyncpg://cidadao:password@localhost:5432/cidadao_ai',
  DATABASE_POOL_SIZE: '20',
  DATABASE_MAX_OVERFLOW: '30',
  DATABASE_POOL_TIMEOUT: '30',
  REDIS_NODES: 'localhost:7000,localhost:7001,localhost:7002',
  REDIS_PASSWORD: 'redis_password',
  REDIS_DECODE_RESPONSES: 'true',
  CACHE_TTL_SHORT: '300',
  CACHE_TTL_MEDIUM: '3600',
  CACHE_TTL_LONG: '86400',
  CONNECTION_RETRY_ATTEMPTS: '3',
  CONNECTION_RETRY_DELAY: '1.0',
  QUERY_TIMEOUT: '30',
}
const SEED_VALUES = {
  db: { poolSize: 20, maxOverflow: 30, poolTimeoutMs: 30_000, queryTimeoutMs: 30_000 },
  cache: { ttlShortMs: 300_000, ttlMediumMs: 3_600_000, ttlLongMs: 86_400_000 },
  retry: { attempts: 3, delayMs: 1_000 },
}
const PRODUCTION_VALUES = {
  db: { poolSize: 50, maxOverflow: 50, poolTimeoutMs: 60_000, queryTimeoutMs: 60_000 },
  cache: { ttlShortMs: 600_000, ttlMediumMs: 7_200_000, ttlLongMs: 172_800_000 },
  retry: { attempts: 5, delayMs: 2_000 },
}

function expectFrozen(value: unknown, path = 'config'): void {
  if (typeof value !== 'object' || value === null) return
  expect({ path, frozen: Object.isFrozen(value) }).toEqual({ path, frozen: true })
  for (const [name, inner] of Object.entries(value)) expectFrozen(inner, `${path}.${name}`)
}

function sourceOf(config: Config, variable: string): unknown {
  return config.effective.find((row) => row.variable === variable)?.source
}

describe('loadConfig', () => {
  it('reads the environment block of the original, every variable of it', () => {
    const config = load(SEED_ENVIRONMENT)
    expect(config).toMatchObject(SEED_VALUES)
    expect(config.redis.nodes.map((node) => node.port)).toEqual([7000, 7001, 7002])
    expect(config.redis.password?.reveal()).toBe('redis_password')
    const read = config.effective.filter(({ source }) => source.kind === 'environment').map(({ variable }) => variable)
    expect(read.toSorted()).toEqual(Object.keys(SEED_ENVIRONMENT).toSorted())
  })

  it('needs no variable at all: embedded PostgreSQL, no Redis, the defaults of the original', () => {
    const config = load()
    expect(config).toMatchObject({ ...SEED_VALUES, preset: 'development', redis: { nodes: [] }, warnings: [] })
    expect(config.db).not.toHaveProperty('url')
  })

  it('takes process.env unless given another environment', () => {
    vi.stubEnv('DATABASE_POOL_SIZE', '7')
    expect(loadConfig({ envFiles: [] }).db.poolSize).toBe(7)
    expect(load().db.poolSize).toBe(20)
  })

  it('is frozen to its depth', () => {
    expectFrozen(load(SEED_ENVIRONMENT))
    expectFrozen(load({ CIDADAO_TYPO: '1' }))
  })

  it('lets overrides win over the environment', () => {
    const config = load(
      { CIDADAO_HTTP_PORT: '1', CIDADAO_LOG_LEVEL: 'warn' },
      { overrides: { CIDADAO_HTTP_PORT: '2', CIDADAO_LOG_LEVEL: undefined } },
    )
    expect(config.http.port).toBe(2)
    expect(config.log.level).toBe('warn')
    expect(sourceOf(config, 'CIDADAO_HTTP_PORT')).toEqual({ kind: 'override' })
  })

  it('resolves relative folders against the given working directory', () => {
    const config = load({ CIDADAO_DATA_SOURCE_ROOT: 'files' }, { cwd: '/srv/app' })
    expect([config.db.dataDir, config.orchestrator.dataSourceRoot]).toEqual(['/srv/app/.data', '/srv/app/files'])
  })
})

describe('presets', () => {
  it.each([
    [{}, 'development'],
    [{ NODE_ENV: 'production' }, 'production'],
    [{ NODE_ENV: 'test' }, 'test'],
    [{ NODE_ENV: 'production', CIDADAO_PRESET: 'test' }, 'test'],
    [{ NODE_ENV: 'staging', CIDADAO_PRESET: 'production' }, 'production'],
  ])('are chosen by CIDADAO_PRESET, else NODE_ENV, else development (%j → %s)', (env: Record<string, string>, preset) => {
    expect(load(env).preset).toBe(preset)
  })

  it('are chosen by the caller before anything else', () => {
    const config = load({ NODE_ENV: 'production' }, { preset: 'test' })
    expect(config.preset).toBe('test')
    expect(config.effective[0]).toMatchObject({ value: 'test', source: { kind: 'override' } })
  })

  it.each([{ NODE_ENV: 'staging' }, { NODE_ENV: '' }, { CIDADAO_PRESET: 'prod' }])(
    'refuse an unknown name instead of being development (%j)',
    (env) => {
      expect(failureOf(env).message).toContain('must be one of development, test, production')
    },
  )

  it('give production the values of the original and say that they come from there', () => {
    const config = load({}, { preset: 'production' })
    expect(config).toMatchObject({ ...PRODUCTION_VALUES, log: { format: 'json' }, http: { drainDelayMs: 5_000 } })
    expect(sourceOf(config, 'DATABASE_POOL_SIZE')).toEqual({ kind: 'preset', detail: 'production' })
  })

  it('give way, each value of them, to the variable', () => {
    expect(load(SEED_ENVIRONMENT, { preset: 'production' })).toMatchObject(SEED_VALUES)
  })

  it('keep environments that share a Redis apart', () => {
    const prefixes = (['development', 'test', 'production'] as const).map((preset) => load({}, { preset }).cache.keyPrefix)
    expect(new Set(prefixes).size).toBe(3)
  })

  it('give tests small pools, a free port and quiet logs', () => {
    expect(load({}, { preset: 'test' })).toMatchObject({ db: { poolSize: 5, maxOverflow: 5 }, http: { port: 0 }, log: { level: 'warn' } })
  })
})

describe('a wrong configuration', () => {
  it('is reported in one error with every variable, rule and value received', () => {
    const error = failureOf({
      NODE_ENV: 'staging',
      DATABASE_POOL_SIZE: '1e3',
      REDIS_NODES: 'localhost',
      REDIS_PASSWORD_FILE: '/does/not/exist',
      CACHE_TTL_SHORT: '9999',
      CONNECTION_RETRY_DELAY: '-1',
      CIDADAO_HTTP_PORT: '99999',
      CIDADAO_LOG_LEVEL: 'loud',
      CIDADAO_AGENT_THREADS: '0',
      CIDADAO_AUDIT_ORIGIN: 'a b',
      CIDADAO_MONITORING_SAMPLE_INTERVAL_MS: '5s',
      CIDADAO_INVESTIGATION_TIMEOUT_MS: '',
    })
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', name: 'ConfigError', facts: { problems: 12 } })
    expect(error.problems.map(({ variable, received }) => [variable, received])).toEqual([
      ['NODE_ENV', '"staging"'],
      ['REDIS_PASSWORD_FILE', '"/does/not/exist"'],
      ['DATABASE_POOL_SIZE', '"1e3"'],
      ['REDIS_NODES', '"localhost"'],
      ['CACHE_TTL_SHORT', '"9999"'],
      ['CONNECTION_RETRY_DELAY', '"-1"'],
      ['CIDADAO_HTTP_PORT', '"99999"'],
      ['CIDADAO_LOG_LEVEL', '"loud"'],
      ['CIDADAO_MONITORING_SAMPLE_INTERVAL_MS', '"5s"'],
      ['CIDADAO_AGENT_THREADS', '"0"'],
      ['CIDADAO_AUDIT_ORIGIN', '"a b"'],
      ['CIDADAO_INVESTIGATION_TIMEOUT_MS', '""'],
    ])
    for (const { variable, rule, received } of error.problems)
      expect(error.message).toContain(`${variable} ${rule}; received ${received ?? ''}`)
  })

  it('is one line when one thing is wrong', () => {
    expect(failureOf({ DATABASE_POOL_SIZE: 'many' }).message).toBe(
      'configuration: DATABASE_POOL_SIZE must be a whole number from 1 to 1000; received "many" (environment)',
    )
  })

  it('says that an empty value is not an unset one', () => {
    expect(failureOf({ REDIS_NODES: '' }).message).toContain('remove the variable to leave it unset; received ""')
  })

  it('shows a long value shortened and a line break escaped', () => {
    expect(failureOf({ CIDADAO_LOG_LEVEL: `a\n${'x'.repeat(500)}` }).problems[0]?.received).toMatch(/^"a\\nx{78}…"$/)
  })

  it('includes contradictions among valid values though another value of the section is invalid', () => {
    const { problems } = failureOf({ CACHE_TTL_MEDIUM: '60', CIDADAO_CACHE_MAX_BYTES: 'much' })
    expect(problems).toMatchObject([
      { variable: 'CIDADAO_CACHE_MAX_BYTES' },
      { variable: 'CACHE_TTL_SHORT', rule: 'must not exceed CACHE_TTL_MEDIUM, which is 60', received: '"300"', source: 'default' },
    ])
  })

  it('includes cache times that are not in order', () => {
    expect(failureOf({ CACHE_TTL_MEDIUM: '90000' }).message).toContain('CACHE_TTL_MEDIUM must not exceed CACHE_TTL_LONG, which is 86400')
  })
})

describe('warnings', () => {
  const warningsOf = (env: Readonly<Record<string, string>>): string[] => load(env).warnings.map(({ message }) => message)

  it.each([
    ['CIDADAO_HTTP_PROT', 'CIDADAO_HTTP_PORT'],
    ['CIDADAO_PORT', 'CIDADAO_HTTP_PORT'],
    ['CIDADAO_LOGLEVEL', 'CIDADAO_LOG_LEVEL'],
    ['CIDADAO_API_KEY_FIL', 'CIDADAO_API_KEY_FILE'],
    ['DATABASE_POOLSIZE', 'DATABASE_POOL_SIZE'],
    ['REDIS_NODE', 'REDIS_NODES'],
  ])('name what was probably meant by %s', (name, meant) => {
    expect(warningsOf({ [name]: '1' })).toEqual([`${name} is not a variable of this program, did you mean ${meant}?`])
  })

  it('name no other variable where none is near', () => {
    expect(warningsOf({ CIDADAO_QWERTZUIOP_ASDFGHJKL: '1' })).toEqual(['CIDADAO_QWERTZUIOP_ASDFGHJKL is not a variable of this program'])
  })

  it('leave other programs’ variables alone', () => {
    expect(warningsOf({ DATABASE_HOST: 'a', REDIS_URL: 'redis://a', CACHE_DIR: '/tmp', PATH: '/bin', CIDADAO: '1' })).toEqual([])
  })

  it('never show a value', () => {
    expect(JSON.stringify(load({ CIDADAO_APIKEY: 'hunter2', DATABASE_PASWORD: 'hunter2' }))).not.toContain('hunter2')
  })

  it('point out Redis credentials without Redis', () => {
    expect(warningsOf({ REDIS_PASSWORD: 'x', REDIS_USERNAME: 'y' })).toEqual([
      'REDIS_USERNAME has no effect without REDIS_NODES',
      'REDIS_PASSWORD has no effect without REDIS_NODES',
    ])
  })

  it('point out a database across the network without TLS in production', () => {
    const env = { CIDADAO_AUDIT_ORIGIN: 'audit.example.org/prod', CIDADAO_PRESET: 'production' }
    const kinds = (url: string): string[] =>
      load({ ...env, DATABASE_URL: url }).warnings.flatMap(({ kind }) => (kind === 'no-checkpoints' ? [] : [kind]))
    expect(kinds('postgresql://u:p@db.example/x')).toEqual(['plain-text-database'])
    expect(kinds('postgresql://u:p@db.example/x?sslmode=verify-full')).toEqual([])
    expect(kinds('postgresql://u:p@localhost/x')).toEqual([])
    expect(kinds('postgresql://u:p@[::1]/x')).toEqual([])
    expect(kinds('postgresql:///x?host=/run/postgresql')).toEqual([])
  })

  it('point out an API that other machines can reach without a key', () => {
    expect(load({ CIDADAO_HTTP_HOST: '0.0.0.0' }).warnings).toMatchObject([{ kind: 'open-http', variable: 'CIDADAO_API_KEY' }])
    expect(warningsOf({ CIDADAO_HTTP_HOST: '0.0.0.0', CIDADAO_API_KEY: '0123456789abcdef' })).toEqual([])
    expect(warningsOf({ CIDADAO_HTTP_HOST: '127.0.0.2' })).toEqual([])
  })

  it('point out an audit log that shares its name with every other deployment', () => {
    const [warning] = load({ DATABASE_URL: 'postgresql://u@localhost/x' }).warnings
    expect(warning).toMatchObject({ kind: 'shared-audit-origin' })
  })
})

describe('connectionBudget', () => {
  it('counts the pools of all processes, overflow included', () => {
    const { db } = load({ CIDADAO_DB_PROCESSES: '3' }, { preset: 'production' })
    expect(connectionBudget(db)).toEqual({ perProcess: 100, processes: 3, total: 300 })
  })
})
