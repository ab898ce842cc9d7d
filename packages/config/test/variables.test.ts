import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Config } from '../src/index.ts'
import { describe, expect, it } from 'vitest'
import { failureOf, load } from './load.ts'

/** Field, default, further accepted texts with the value they give, texts that are refused. */
interface Expectation {
  readonly field: string
  readonly byDefault: unknown
  readonly accepted: readonly (readonly [text: string, value: unknown])[]
  readonly refused: readonly string[]
}

/** What looks like a number to many parsers and is none here. */
const NO_NUMBER = [
  '',
  ' ',
  '20 ',
  ' 20',
  '+20',
  '-1',
  '1e3',
  '0x10',
  '0b1',
  '20.5',
  '1_000',
  '1,000',
  '020',
  'NaN',
  'Infinity',
  'true',
  'yes',
  '²',
  '9007199254740993',
]
/** Made for these tests; it signs nothing. */
const AUDIT_KEY = `PRIVATE+KEY+audit.cidadao.local/embedded+00000000+${'A'.repeat(44)}`
const AUDIT_VKEY = `audit.cidadao.local/embedded+00000000+${'A'.repeat(44)}`
const NO_WORD = ['', ' ', 'yes', '1', 'TRUE']

const EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  DATABASE_POOL_SIZE: whole('db.poolSize', 20, 1, 1_000),
  DATABASE_MAX_OVERFLOW: whole('db.maxOverflow', 30, 0, 1_000),
  DATABASE_POOL_TIMEOUT: seconds('db.poolTimeoutMs', 30, 1, 3_600),
  QUERY_TIMEOUT: seconds('db.queryTimeoutMs', 30, 1, 86_400),
  CIDADAO_DB_MAX_LIFETIME_MS: whole('db.maxLifetimeMs', 3_600_000, 1_000, 604_800_000),
  CIDADAO_DB_PROCESSES: whole('db.processes', 1, 1, 1_000),
  CIDADAO_DATA_DIR: {
    field: 'db.dataDir',
    byDefault: resolve('.data'),
    accepted: [
      ['/var/lib/cidadao', '/var/lib/cidadao'],
      ['with space', resolve('with space')],
    ],
    refused: ['', ' x', 'x ', 'a\nb'],
  },
  CIDADAO_DB_APPLICATION_NAME: {
    field: 'db.applicationName',
    byDefault: 'cidadao',
    accepted: [
      ['my app', 'my app'],
      ['x'.repeat(63), 'x'.repeat(63)],
    ],
    refused: ['', ' x', 'ção', 'x'.repeat(64)],
  },
  REDIS_DECODE_RESPONSES: {
    field: 'redis.nodes',
    byDefault: [],
    accepted: [
      ['true', []],
      ['false', []],
    ],
    refused: NO_WORD,
  },
  REDIS_USERNAME: { field: 'redis.username', byDefault: undefined, accepted: [['app', 'app']], refused: ['', 'a b'] },
  CIDADAO_REDIS_COMMAND_TIMEOUT_MS: whole('redis.commandTimeoutMs', 1_000, 1, 60_000),
  CIDADAO_REDIS_CONNECT_TIMEOUT_MS: whole('redis.connectTimeoutMs', 500, 1, 60_000),
  CACHE_TTL_SHORT: { field: 'cache.ttlShortMs', byDefault: 300_000, accepted: [['1', 1_000]], refused: [...NO_NUMBER, '0', '31536001'] },
  CACHE_TTL_MEDIUM: {
    field: 'cache.ttlMediumMs',
    byDefault: 3_600_000,
    accepted: [['300', 300_000]],
    refused: [...NO_NUMBER, '0', '31536001'],
  },
  CACHE_TTL_LONG: {
    field: 'cache.ttlLongMs',
    byDefault: 86_400_000,
    accepted: [['31536000', 31_536_000_000]],
    refused: [...NO_NUMBER, '0', '31536001'],
  },
  CIDADAO_CACHE_TTL_API_RESPONSES_MS: whole('cache.ttlApiResponsesMs', 1_800_000, 1, 31_536_000_000),
  CIDADAO_CACHE_MAX_ENTRIES: whole('cache.maxEntries', 50_000, 1, 100_000_000),
  CIDADAO_CACHE_MAX_BYTES: whole('cache.maxBytes', 67_108_864, 1_024, 1_099_511_627_776),
  CIDADAO_CACHE_KEY_PREFIX: {
    field: 'cache.keyPrefix',
    byDefault: 'cidadao:development',
    accepted: [['a_b:c.d-e', 'a_b:c.d-e']],
    refused: ['', 'a b', 'a*', 'a?', '[a]', '{a}', 'ç', 'x'.repeat(65)],
  },
  CONNECTION_RETRY_ATTEMPTS: whole('retry.attempts', 3, 1, 100),
  CONNECTION_RETRY_DELAY: {
    field: 'retry.delayMs',
    byDefault: 1_000,
    accepted: [
      ['0', 0],
      ['2', 2_000],
      ['0.25', 250],
      ['1.001', 1_001],
      ['3600.000', 3_600_000],
    ],
    refused: ['', ' 1', '.5', '1.', '1.0001', '-1', '+1', '1e3', '0x10', '1,5', 'NaN', 'Infinity', 'true', '1s', '3600.001'],
  },
  CIDADAO_HTTP_HOST: {
    field: 'http.host',
    byDefault: '127.0.0.1',
    accepted: ['0.0.0.0', '::', '::1', 'localhost', 'api_1.example.org'].map((text) => [text, text] as const),
    refused: ['', ' ', 'a b', '[::1]', 'localhost:80', 'http://a', '300.1.1.1', '1.2.3', '-a', 'a..b'],
  },
  CIDADAO_HTTP_PORT: whole('http.port', 8_420, 0, 65_535),
  CIDADAO_HTTP_BODY_LIMIT_BYTES: whole('http.bodyLimitBytes', 1_048_576, 1_024, 1_073_741_824),
  CIDADAO_HTTP_DRAIN_DELAY_MS: whole('http.drainDelayMs', 0, 0, 600_000),
  CIDADAO_HTTP_SHUTDOWN_GRACE_MS: whole('http.shutdownGraceMs', 10_000, 0, 600_000),
  CIDADAO_LOG_LEVEL: words('log.level', 'info', ['debug', 'info', 'warn', 'error'], ['INFO', 'trace']),
  CIDADAO_LOG_FORMAT: words('log.format', 'auto', ['json', 'pretty', 'auto'], ['JSON', 'text']),
  CIDADAO_MONITORING_SAMPLE_INTERVAL_MS: whole('monitoring.sampleIntervalMs', 5_000, 100, 3_600_000),
  CIDADAO_MONITORING_CHECK_TIMEOUT_MS: whole('monitoring.checkTimeoutMs', 2_000, 10, 60_000),
  CIDADAO_MONITORING_HISTORY_INTERVAL_MS: whole('monitoring.historyIntervalMs', 60_000, 1_000, 86_400_000),
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    field: 'tracing.endpoint',
    byDefault: undefined,
    accepted: ['http://127.0.0.1:4318', 'https://otel.example.org/base'].map((text) => [text, text] as const),
    refused: ['', 'otel.example.org:4318', 'ftp://otel.example.org', 'https://user:password@otel.example.org', 'http://a b'],
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    field: 'tracing.headers',
    byDefault: undefined,
    accepted: [],
    refused: ['', 'key', 'a=b,', 'a=b c=d', 'a=b\n'],
  },
  OTEL_SERVICE_NAME: {
    field: 'tracing.serviceName',
    byDefault: 'cidadao',
    accepted: [['cidadao-worker', 'cidadao-worker']],
    refused: ['', 'a b', 'ç', 'x'.repeat(65)],
  },
  OTEL_TRACES_SAMPLER_ARG: {
    field: 'tracing.sampleRatio',
    byDefault: 1,
    accepted: [
      ['0', 0],
      ['0.25', 0.25],
      ['1.0', 1],
    ],
    refused: ['', '-0.1', '1.1', '2', '.5', '1e-3', '50%', 'half'],
  },
  CIDADAO_AGENT_THREADS: whole('agentPool.threads', availableParallelism(), 1, 1_024),
  CIDADAO_AGENT_QUEUE_LIMIT: whole('agentPool.queueLimit', 1_000, 1, 1_000_000),
  CIDADAO_AGENT_RUN_TIMEOUT_MS: whole('agentPool.runTimeoutMs', 300_000, 1, 86_400_000),
  CIDADAO_AUDIT_ORIGIN: {
    field: 'audit.origin',
    byDefault: 'audit.cidadao.local/embedded',
    accepted: [['audit.example.org/prod', 'audit.example.org/prod']],
    refused: ['', 'a b', 'a+b', 'a\nb', 'ç', 'x'.repeat(256)],
  },
  CIDADAO_AUDIT_KEY: { field: 'audit.key', byDefault: undefined, accepted: [], refused: ['', 'PRIVATE+KEY+', AUDIT_VKEY, `${AUDIT_KEY} `] },
  CIDADAO_AUDIT_FORMER_KEYS: {
    field: 'audit.formerKeys',
    byDefault: [],
    accepted: [
      [AUDIT_VKEY, [AUDIT_VKEY]],
      [`${AUDIT_VKEY} ${AUDIT_VKEY}`, [AUDIT_VKEY, AUDIT_VKEY]],
    ],
    refused: ['', ' ', 'name', AUDIT_KEY, `${AUDIT_VKEY},${AUDIT_VKEY}`, `${AUDIT_VKEY} `],
  },
  CIDADAO_AUDIT_ANCHOR_FILE: {
    field: 'audit.anchors.file',
    byDefault: undefined,
    accepted: [['a/b.jsonl', resolve('a/b.jsonl')]],
    refused: ['', ' '],
  },
  CIDADAO_AUDIT_ANCHOR_DIR: { field: 'audit.anchors.directory', byDefault: undefined, accepted: [['a', resolve('a')]], refused: ['', ' '] },
  CIDADAO_AUDIT_ANCHOR_GIT: { field: 'audit.anchors.git.path', byDefault: undefined, accepted: [['a', resolve('a')]], refused: ['', ' '] },
  CIDADAO_AUDIT_ANCHOR_GIT_REMOTE: {
    field: 'audit.anchors.git.remote',
    byDefault: undefined,
    accepted: [],
    refused: ['', 'a b', '--force'],
  },
  CIDADAO_AUDIT_WITNESS_URL: {
    field: 'audit.anchors.witness.url',
    byDefault: undefined,
    accepted: [],
    refused: ['', 'witness.example', 'ftp://witness.example', 'https://user:password@witness.example'],
  },
  CIDADAO_AUDIT_WITNESS_KEY: { field: 'audit.anchors.witness.vkey', byDefault: undefined, accepted: [], refused: ['', 'name', 'a b+c+d'] },
  CIDADAO_AUDIT_CHECKPOINT_INTERVAL_MS: whole('audit.checkpointIntervalMs', 60_000, 100, 86_400_000),
  CIDADAO_AUDIT_CHECKPOINT_ENTRIES: whole('audit.checkpointEntries', 1_000, 1, 1_000_000),
  CIDADAO_AUDIT_VERIFY_INTERVAL_MS: whole('audit.verifyIntervalMs', 300_000, 1_000, 86_400_000),
  CIDADAO_AUDIT_VERIFY_HOUR_UTC: whole('audit.fullVerifyHourUtc', 5, 0, 23),
  CIDADAO_RETENTION_INVESTIGATION_DAYS: { ...whole('retention.investigationDays', 0, 1, 36_500), byDefault: undefined },
  CIDADAO_RETENTION_METRIC_DAYS: whole('retention.metricDays', 400, 1, 36_500),
  ORCHESTRATOR_ENGINE: {
    field: 'orchestrator.engine',
    byDefault: 'inline',
    accepted: [['pg-boss', 'pg-boss']],
    refused: [...NO_WORD, 'pgboss', 'Inline'],
  },
  ORCHESTRATOR_ROLE: {
    field: 'orchestrator.role',
    byDefault: 'all',
    accepted: [
      ['api', 'api'],
      ['worker', 'worker'],
    ],
    refused: [...NO_WORD, 'workers'],
  },
  ORCHESTRATOR_AGENTS: {
    field: 'orchestrator.workerAgents',
    byDefault: undefined,
    accepted: [
      ['zumbi', ['zumbi']],
      ['load-contracts,digits', ['load-contracts', 'digits']],
    ],
    refused: ['', ' ', ',', 'a,', 'a, b'],
  },
  CIDADAO_MAX_CONCURRENT_INVESTIGATIONS: whole('orchestrator.maxConcurrentInvestigations', 4, 1, 10_000),
  CIDADAO_INVESTIGATION_TIMEOUT_MS: whole('orchestrator.investigationTimeoutMs', 1_800_000, 1_000, 604_800_000),
  CIDADAO_DATA_SOURCE_ROOT: {
    field: 'orchestrator.dataSourceRoot',
    byDefault: undefined,
    accepted: [['files', resolve('files')]],
    refused: ['', ' '],
  },
  // The rest has rules of its own, tested beside this file; here only what holds without them.
  DATABASE_URL: { field: 'db.url', byDefault: undefined, accepted: [], refused: ['', ' ', 'true', 'localhost:5432'] },
  DATABASE_PASSWORD: { field: 'db.url', byDefault: undefined, accepted: [], refused: [''] },
  DATABASE_SSL_MODE: words('db.ssl.mode', 'disable', ['disable'], ['prefer', 'allow', 'true', 'VERIFY-FULL']),
  DATABASE_SSL_CA: { field: 'db.ssl.ca', byDefault: undefined, accepted: [], refused: ['', 'ca.pem', '/etc/ca.pem'] },
  DATABASE_SSL_CERT: { field: 'db.ssl.cert', byDefault: undefined, accepted: [], refused: ['', 'cert.pem'] },
  DATABASE_SSL_KEY: { field: 'db.ssl.key', byDefault: undefined, accepted: [], refused: ['', 'key.pem'] },
  REDIS_NODES: { field: 'redis.nodes', byDefault: [], accepted: [], refused: ['', ' ', ',', 'localhost', 'true'] },
  REDIS_PASSWORD: { field: 'redis.password', byDefault: undefined, accepted: [], refused: [''] },
  REDIS_TLS_CA: { field: 'redis.tlsCa', byDefault: undefined, accepted: [], refused: ['', 'ca.pem'] },
  CIDADAO_API_KEY: { field: 'http.apiKey', byDefault: undefined, accepted: [], refused: ['', 'short', 'with spaces in between'] },
}

function whole(field: string, byDefault: number, min: number, max: number): Expectation {
  const outside = [...(min > 0 ? [String(min - 1)] : []), String(max + 1)]
  return {
    field,
    byDefault,
    accepted: [
      [String(min), min],
      [String(max), max],
    ],
    refused: [...NO_NUMBER, ...outside],
  }
}

function seconds(field: string, byDefault: number, min: number, max: number): Expectation {
  return {
    field,
    byDefault: byDefault * 1_000,
    accepted: [
      [String(min), min * 1_000],
      [String(max), max * 1_000],
    ],
    refused: [...NO_NUMBER, String(min - 1), String(max + 1)],
  }
}

function words(field: string, byDefault: string, accepted: readonly string[], refused: readonly string[]): Expectation {
  return { field, byDefault, accepted: accepted.map((word) => [word, word]), refused: [...NO_WORD, ...refused] }
}

function fieldOf(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], config)
}

describe.each(Object.entries(EXPECTATIONS))('%s', (name, { field, byDefault, accepted, refused }) => {
  it(`leaves ${field} at its default when unset`, () => {
    expect(fieldOf(load(), field)).toEqual(byDefault)
  })

  if (accepted.length > 0) {
    it(`takes ${accepted.map(([text]) => JSON.stringify(text)).join(', ')}`, () => {
      for (const [text, value] of accepted) expect(fieldOf(load({ [name]: text }), field), text).toEqual(value)
    })
  }

  it(`refuses ${refused.map((text) => JSON.stringify(text)).join(', ')}, naming itself, the rule and where the value came from`, () => {
    for (const text of refused) {
      const { problems } = failureOf({ [name]: text })
      expect(problems, text).toMatchObject([{ variable: name, source: 'environment', rule: expect.stringMatching(/^must be ./) as string }])
    }
  })
})

it('has an expectation above for every variable, and the row of each names the field that it sets', () => {
  const rows = load().effective.filter(({ section }) => section !== 'preset')
  expect(rows.map(({ variable }) => variable).toSorted()).toEqual(Object.keys(EXPECTATIONS).toSorted())
  for (const { variable, field } of rows) {
    if (field !== null) expect({ variable, field }).toEqual({ variable, field: EXPECTATIONS[variable]?.field })
  }
})
