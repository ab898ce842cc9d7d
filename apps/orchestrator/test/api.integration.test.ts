import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { existsSync } from 'node:fs'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { capturingLogger, eventually } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createHttpServer, type HttpServer } from '../src/api/http-server.ts'
import type { InvestigationView } from '../src/api/api-ports.ts'
import { composeServer } from '../src/compose.ts'
import { gate } from './support/engine-rig.ts'
import { generateSignerKey } from '@cidadao/db'
import { stubApi } from './support/stub-api.ts'
import { API_KEY, buildHouse, clientOf, serve, type Client, type TestHouse } from './support/test-house.ts'

const QUERY = 'Analise os contratos do Ministério da Saúde em 2024'
const SOON = { deadlineMs: 20_000 }

let folder: string
let built: TestHouse
let server: HttpServer
let api: Client

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cidadao-api-'))
  await writeSyntheticPortal(join(folder, 'root/small'), { seed: 1, contracts: 200 })
  await writeSyntheticPortal(join(folder, 'outside'), { seed: 2, contracts: 50 })
  await mkdir(join(folder, 'root/empty'))
  await symlink(join(folder, 'outside'), join(folder, 'root/link-out'))
  await symlink(join(folder, 'root/small'), join(folder, 'root/link-in'))
  built = await buildHouse({
    CIDADAO_DATA_SOURCE_ROOT: join(folder, 'root'),
    CIDADAO_HTTP_BODY_LIMIT_BYTES: '4096',
    // Without a key health would warn.
    CIDADAO_AUDIT_KEY: generateSignerKey('audit.cidadao.local/embedded'),
    CIDADAO_AUDIT_ANCHOR_FILE: join(folder, 'checkpoints.jsonl'),
  })
  await built.house.start()
  server = composeServer(built.config, built.house, API_KEY)
  await server.start()
  api = clientOf(server)
})
afterAll(async () => {
  await server.stop()
  await built.house.stop()
  await rm(folder, { recursive: true, force: true })
})

async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>
}

async function settled(id: string): Promise<InvestigationView> {
  return eventually(async () => {
    const view = (await (await api.fetch(`/investigations/${id}`)).json()) as InvestigationView
    expect(['completed', 'error', 'cancelled']).toContain(view.status)
    return view
  }, SOON)
}

describe('investigations', () => {
  it('are submitted, shown with steps and results, and listed page by page', async () => {
    const submitted = await api.post('/investigations', { query: QUERY, source: 'small' })
    expect(submitted.status).toBe(202)
    const { id } = (await submitted.json()) as InvestigationView
    expect(submitted.headers.get('location')).toBe(`/investigations/${id}`)
    const view = await settled(id)
    expect(view).toMatchObject({ id, query: QUERY, status: 'completed', error: null })
    expect(view.steps?.map(({ status }) => status)).toEqual(Array(10).fill('completed'))
    expect(view.results).toMatchObject({ filter: { superiorOrganCodes: ['36000'], publicationYear: 2024 }, missing: [] })

    await settled(
      ((await (await api.post('/investigations', { query: 'All contracts', source: 'link-in' })).json()) as InvestigationView).id,
    )
    const first = (await (await api.fetch('/investigations?limit=1&status=completed')).json()) as {
      items: InvestigationView[]
      next: string
    }
    const second = (await (await api.fetch(`/investigations?limit=1&status=completed&after=${first.next}`)).json()) as {
      items: InvestigationView[]
      next: null
    }
    expect([first.items[0]?.query, second.items[0]?.id, second.next]).toEqual(['All contracts', id, null])
    expect(first.items[0]).not.toHaveProperty('results')
  })

  it('are cancelled, and cancelling again says how it ended', async () => {
    const { id } = (await (await api.post('/investigations', { query: QUERY, source: 'small' })).json()) as InvestigationView
    const answer = await api.fetch(`/investigations/${id}/cancel`, { method: 'POST' })
    expect(answer.status).toBe(202)
    const { status } = await settled(id)
    expect(['cancelled', 'completed']).toContain(status)
    expect(await json(await api.fetch(`/investigations/${id}/cancel`, { method: 'POST' }))).toMatchObject({ id, status })
  })

  it.each([
    ['GET', '/investigations/inv_404'],
    ['POST', '/investigations/inv_404/cancel'],
    ['GET', '/nowhere'],
    ['GET', `/investigations/${'x'.repeat(300)}`],
    ['DELETE', '/investigations/inv_404'],
  ])('%s %s is 404', async (method, path) => {
    const response = await api.fetch(path, { method })
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await json(response)).toMatchObject({ status: 404, requestId: response.headers.get('x-request-id') })
  })
})

describe('a key', () => {
  it.each([
    ['none', undefined],
    ['a wrong one', 'Bearer wrong'],
    ['one that begins like the right one', `Bearer ${API_KEY.slice(0, -1)}`],
    ['one that is longer', `Bearer ${API_KEY}x`],
    ['another scheme', `Basic ${Buffer.from(`user:${API_KEY}`).toString('base64')}`],
    ['an empty one', 'Bearer '],
  ])('is needed for every route of investigations: %s is 401, before the body is looked at', async (_what, authorization) => {
    const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) }
    for (const [method, path] of [
      ['GET', '/investigations'],
      ['GET', '/investigations/x'],
      ['POST', '/investigations/x/cancel'],
      ['POST', '/investigations'],
    ] as const) {
      const response = await api.fetch(path, { key: null, method, headers, ...(method === 'POST' ? { body: '{broken' } : {}) })
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="cidadao"')
    }
  })
})

describe('a request that breaks a rule', () => {
  it.each([
    [{ source: 'small' }, 'body.query', 'expected string'],
    [{ query: '', source: 'small' }, 'body.query', '>=1 character'],
    [{ query: 'x'.repeat(2_001), source: 'small' }, 'body.query', '<=2000 characters'],
    [{ query: 5, source: 'small' }, 'body.query', 'expected string'],
    [{ query: 'contracts\u0000', source: 'small' }, 'body.query', 'control characters'],
    [{ query: 'contracts', source: 's\u0000' }, 'body.source', 'control characters'],
    [{ query: 'contracts', source: 'small', then: 1 }, 'body', '"then"'],
    [[], 'body', 'expected object'],
    [null, 'body', 'expected object'],
  ])('is 422 and names field and rule: %j', async (body, field, rule) => {
    const response = await api.post('/investigations', body)
    const problem = await json(response)
    expect(response.status).toBe(422)
    expect(problem).toMatchObject({ title: 'The request cannot be carried out', status: 422, code: 'API_REQUEST_INVALID' })
    expect(problem.errors).toContainEqual({ field, rule: expect.stringContaining(rule) as string })
  })

  it.each([
    'limit=0',
    'limit=201',
    'limit=ten',
    'limit=',
    'status=banana',
    'unknown=1',
    'after=',
    'limit=1&limit=2',
    'after=bm90LWEtY3Vyc29y',
  ])('is 422 in the query: %s', async (query) => {
    const response = await api.fetch(`/investigations?${query}`)
    expect([response.status, (await json(response)).detail]).toEqual([422, expect.any(String)])
  })

  it.each([
    ['What is the weather?', 'ORCHESTRATOR_QUERY_NOT_UNDERSTOOD', 'no rule understands'],
    ['Analyze Ministry of Magic contracts', 'ORCHESTRATOR_QUERY_NOT_UNDERSTOOD', 'no known ministry'],
  ])('is 422 where no template understands it: %s', async (query, code, detail) => {
    const response = await api.post('/investigations', { query, source: 'small' })
    expect(response.status).toBe(422)
    expect(await json(response)).toMatchObject({ code, detail: expect.stringContaining(detail) as string })
  })

  it.each([
    ['an id that cannot be one', '/investigations/%00', 422],
    ['an address that is none', '/investigations/%zz', 400],
  ])('is refused: %s', async (_what, path, status) => {
    const response = await api.fetch(path)
    expect(response.status).toBe(status)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await json(response)).toMatchObject({ status })
  })

  it.each([
    ['invalid JSON', '{"query": ', 'application/json', 400],
    ['no JSON at all', '', 'application/json', 400],
    ['JSON that would change prototypes', '{"__proto__": {"admin": true}}', 'application/json', 400],
    ['another media type', 'query=contracts', 'application/x-www-form-urlencoded', 415],
    ['a body over the limit', JSON.stringify({ query: 'x'.repeat(5_000) }), 'application/json', 413],
  ])('is refused: %s', async (_what, body, type, status) => {
    const response = await api.fetch('/investigations', { method: 'POST', body, headers: { 'content-type': type } })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await json(response)).toMatchObject({ status })
  })
})

describe('a source', () => {
  it.each([
    '../outside',
    'small/../../outside',
    '/etc',
    'link-out',
    'link-out/202401_Compras.csv',
    'missing',
    'empty',
    '..',
    './..',
    '~',
    'x'.repeat(400),
  ])('that leaves the folder or cannot be read is 422, and nothing is stored: %s', async (source) => {
    const before = await api.fetch('/investigations')
    const response = await api.post('/investigations', { query: QUERY, source })
    const problem = await json(response)
    expect(response.status).toBe(422)
    expect(problem).toMatchObject({ code: 'ORCHESTRATOR_SOURCE_REFUSED', detail: expect.stringMatching(/^source: /) as string })
    expect(JSON.stringify(problem)).not.toContain(folder)
    expect(await (await api.fetch('/investigations')).json()).toEqual(await before.json())
  })

  it('cannot be named at all where no folder is configured', async () => {
    const client = await serve(
      composeServer(
        { ...built.config, orchestrator: { ...built.config.orchestrator, dataSourceRoot: undefined } as never },
        built.house,
        API_KEY,
      ),
    )
    const response = await client.post('/investigations', { query: QUERY, source: 'small' })
    expect([response.status, (await json(response)).detail]).toEqual([422, expect.stringContaining('CIDADAO_DATA_SOURCE_ROOT')])
  })

  it('that breaks later fails its step, and the path of the folder does not come back', async () => {
    await mkdir(join(folder, 'root/vanishing'))
    const file = join(folder, 'root/vanishing/202401_Compras.csv')
    await writeSyntheticPortal(join(folder, 'root/vanishing'), { seed: 5, contracts: 50 })
    const first = gate()
    const off = built.house.engine.events.on('run-submitted', () => void rm(file).then(first.open))
    onTestFinished(off)
    const { id } = (await (await api.post('/investigations', { query: QUERY, source: 'vanishing' })).json()) as InvestigationView
    await first.pass()
    const view = await settled(id)
    expect(view.status).toBe('error')
    expect(view.error).toContain('vanishing')
    expect(JSON.stringify(view)).not.toContain(folder)
  })
})

describe('probes, health and metrics', () => {
  it('tell everybody only the status, and with the key everything', async () => {
    await built.house.telemetry.health.sampled()
    // A machine under load may make a check slow for a while, which is a warning.
    await eventually(
      async () => {
        const stranger = await api.fetch('/health', { key: null })
        expect(stranger.headers.get('content-type')).toContain('application/health+json')
        expect(await json(stranger)).toEqual({ status: 'pass' })
      },
      { deadlineMs: 15_000 },
    )
    const known = await json(await api.fetch('/health'))
    expect(Object.keys(known.checks as object)).toEqual(
      expect.arrayContaining(['postgresql', 'postgresql:connections', 'agent-pool', 'cache', 'cache:postgres']),
    )
    expect(known.checks).not.toHaveProperty('redis')
    expect(JSON.stringify(known)).not.toContain('127.0.0.1')
    expect(await json(await api.fetch('/livez', { key: null }))).toEqual({ status: 'pass' })
  })

  it('are ready from the moment work is accepted to the moment it is not', async () => {
    const { health } = built.house.telemetry
    await health.sampled()
    const ready = async () => (await api.fetch('/readyz', { key: null })).status
    health.setAccepting(false)
    expect(await ready()).toBe(503)
    health.setAccepting(true)
    expect(await ready()).toBe(200)
    health.setAccepting(false)
    expect(await ready()).toBe(503)
  })

  it('expose the metrics that rules and dashboards name, counted from what really happened', async () => {
    await api.fetch('/somewhere/else')
    expect((await api.fetch('/metrics', { key: null })).status).toBe(401)
    const response = await api.fetch('/metrics')
    const text = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    for (const name of PROMISED_METRICS) expect(text).toMatch(new RegExp(`^# TYPE ${name} `, 'm'))
    expect(text).toMatch(/^db_client_operation_duration_seconds_count\{.*db_query_summary="investigations\.(?:insert|update)".*\} [1-9]/m)
    expect(text).toMatch(/^investigations_transitions_total\{from="processing",to="completed"\} [1-9]/m)
    expect(text).toMatch(/^agent_pool_task_duration_seconds_count\{.*type="digits".*\} [1-9]/m)
    expect(text).toMatch(/^http_server_request_duration_seconds_count\{.*http_route="unmatched".*\} [1-9]/m)
    expect(text).toMatch(/^cache_operation_duration_seconds_count\{.*cache_layer="postgresql".*operation="get".*outcome="ok".*\} [1-9]/m)
    expect(text).toMatch(/^audit_entries_total [1-9]/m)
    expect(text).toMatch(/^db_client_operation_duration_seconds_count\{.*error_type="none".*\} [1-9]/m)
    expect(text).not.toMatch(/^metrics_overflow_total\{.*\} [1-9]/m)
    expect(text).not.toContain('/somewhere/else')
    // Every line is a comment or a sample.
    expect(text.split('\n').filter((line) => line !== '' && !/^(# (HELP|TYPE) |[a-z_:][\w:]*(\{.*\})? [-+\w.]+$)/i.test(line))).toEqual([])
  })

  const promtool = (process.env.PATH ?? '')
    .split(delimiter)
    .map((place) => join(place, 'promtool'))
    .find((path) => existsSync(path))
  it.skipIf(promtool === undefined)(`pass promtool${promtool === undefined ? ' [SKIPPED: promtool is not on the PATH]' : ''}`, async () => {
    const text = await (await api.fetch('/metrics')).text()
    const child = execFile(promtool ?? '', ['check', 'metrics'])
    let said = ''
    child.stderr?.on('data', (chunk: string) => (said += chunk))
    child.stdin?.end(text)
    const [code] = (await once(child, 'close')) as [number]
    expect([code, said]).toEqual([0, ''])
  })

  it('send secure headers with every answer, good or bad', async () => {
    for (const path of ['/', '/livez', '/metrics', '/investigations', '/nowhere']) {
      const { headers } = await api.fetch(path, { key: null })
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
        'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      })
    }
  })
})

const PROMISED_METRICS = [
  'db_client_operation_duration_seconds',
  'db_client_connections',
  'cache_requests_total',
  'cache_entries',
  'cache_size_bytes',
  'investigations_transitions_total',
  'investigation_duration_seconds',
  'investigation_anomalies_total',
  'agent_pool_agents',
  'agent_pool_queue_depth',
  'agent_pool_task_duration_seconds',
  'agent_pool_queue_wait_seconds',
  'agent_pool_restarts_total',
  'agent_pool_rejected_total',
  'circuit_breaker_state',
  'retries_total',
  'health_check_status',
  'health_check_duration_seconds',
  'audit_entries_total',
  'http_server_request_duration_seconds',
  'build_info',
]

describe('what goes wrong inside', () => {
  const SECRET = 'postgresql://admin:hunter2@10.1.2.3/prod'
  const broken = (error: Error) => {
    const logger = capturingLogger()
    const { health, metrics } = built.house.telemetry
    const fail = () => Promise.reject(error)
    const options = { host: '127.0.0.1', port: 0, bodyLimitBytes: 1_000, shutdownGraceMs: 200, apiKey: API_KEY }
    return {
      logger,
      server: createHttpServer(options, { investigations: stubApi({ get: fail }), health, metrics, logger }),
    }
  }

  it.each([
    [500, 'INTERNAL', new Error(`cannot reach ${SECRET}`)],
    [503, 'UNAVAILABLE', Object.assign(new Error(SECRET), { code: 'DB_UNAVAILABLE' })],
    [500, 'INTERNAL', Object.assign(new Error(SECRET), { code: 'toString', statusCode: 418 })],
  ])('is %i with the code %s outside, and told in full in the log, under the same request id', async (status, code, error) => {
    const { logger, server: faulty } = broken(error)
    const client = await serve(faulty)
    const response = await client.fetch('/investigations/x')
    const text = await response.text()
    expect([response.status, (JSON.parse(text) as { code: string }).code]).toEqual([status, code])
    expect(text + JSON.stringify(Object.fromEntries(response.headers))).not.toMatch(/hunter2|10\.1\.2\.3|admin/)
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '5' : null)
    expect(logger.at('error')).toMatchObject([
      { message: 'request failed', fields: { error, requestId: response.headers.get('x-request-id') } },
    ])
  })
})

describe('the server', () => {
  const parts = (get: (id: string) => Promise<InvestigationView>, shutdownGraceMs: number, port = 0) => {
    const { health, metrics, logger } = built.house.telemetry
    const options = { host: '127.0.0.1', port, bodyLimitBytes: 1_000, shutdownGraceMs, apiKey: API_KEY }
    return createHttpServer(options, { investigations: stubApi({ get }), health, metrics, logger })
  }
  const VIEW = { id: 'x', query: 'q', status: 'completed' } as InvestigationView

  it('answers what is under way before it stops, and takes nothing new', async () => {
    const asked = gate()
    const client = await serve(parts(() => asked.pass().then(() => VIEW), 5_000))
    const answer = client.fetch('/investigations/x')
    await asked.reached
    const stopped = client.server.stop()
    await expect(
      eventually(
        () =>
          client.fetch('/livez').then(
            () => expect.unreachable(),
            (error: unknown) => error,
          ),
        SOON,
      ),
    ).resolves.toBeInstanceOf(TypeError)
    asked.open()
    const openedMs = performance.now()
    expect((await answer).status).toBe(200)
    await stopped
    // Without waiting for the connection, which the client would keep.
    expect(performance.now() - openedMs).toBeLessThan(2_000)
  })

  it('cuts after the grace what does not come to an end', async () => {
    const asked = gate()
    const client = await serve(parts(() => asked.pass().then(() => VIEW), 100))
    const answer = client.fetch('/investigations/x')
    answer.catch(() => {})
    await asked.reached
    await client.server.stop()
    await expect(answer).rejects.toBeInstanceOf(TypeError)
    asked.open()
  })

  it('says which port is in use and what to set, and can be started once it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const blocked = parts(() => Promise.resolve(VIEW), 100, port)
    await expect(blocked.start()).rejects.toMatchObject({
      code: 'ORCHESTRATOR_PORT_IN_USE',
      message: expect.stringContaining(`port ${port} on 127.0.0.1 is in use`) as string,
    })
    other.close()
    await once(other, 'close')
    expect((await (await serve(blocked)).fetch('/livez')).status).toBe(200)
  })
})
