import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { defineService, hasCode, systemClock, toError, type Logger, type Service } from '@cidadao/contracts'
import type { ApiKeyVerifier } from '@cidadao/db'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { PortInUseError } from '../errors.ts'
import { Authenticator } from './access/authenticator.ts'
import { TokenBuckets } from './access/token-buckets.ts'
import { apiRoutes, OPENAPI_PATH } from './api-routes.ts'
import type { HealthView, InvestigationApi, MetricsView } from './api-ports.ts'
import { EventFeed } from './events/event-feed.ts'
import { requireShallowJson } from './json-depth.ts'
import { serveRoutes } from './routes/route.ts'
import { RouteNotFoundError, sendProblem } from './problem-details.ts'

export interface HttpServerOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly bodyLimitBytes: number
  /** How long `stop` waits for requests under way; then it cuts them. In milliseconds. */
  readonly shutdownGraceMs: number
  readonly apiKey: string
  /** Requests of one key, on the long run. @default 100 */
  readonly requestsPerSecond?: number
  /** Requests of one key at once, after a rest. @default 500 */
  readonly requestBurst?: number
  /** Pause between heartbeats of a stream of events, in milliseconds. @default 15_000 */
  readonly heartbeatMs?: number
  /** How long a listener may take nothing before its stream is closed, in milliseconds. @default 30_000 */
  readonly slowReaderMs?: number
  /** How often a stream looks for what other processes did, in milliseconds. @default 1_000 */
  readonly eventPollMs?: number
}

const DEFAULTS = { requestsPerSecond: 100, requestBurst: 500, heartbeatMs: 15_000, slowReaderMs: 30_000, eventPollMs: 1_000 } as const
/** Of strangers, by address: look-ups of keys that may be anybody's. */
const STRANGERS = { perSecond: 5, burst: 50, maxCallers: 10_000 } as const
const MAX_KEYS_LIMITED = 10_000
const EVENT_BATCH = 200

export interface HttpServerDependencies {
  readonly investigations: InvestigationApi
  readonly health: HealthView
  readonly metrics: MetricsView
  readonly logger: Logger
  /** Keys of the database; without them the local key is the only one. */
  readonly apiKeys?: Pick<ApiKeyVerifier, 'knows' | 'verify'>
  /** For the OpenAPI document. @default '0.0.0' */
  readonly version?: string
  /** Told of every answered request, with the route's pattern, never the raw URL. */
  readonly onAnswered?: (request: AnsweredRequest) => void
}

export interface AnsweredRequest {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly durationSeconds: number
}

/** The HTTP API as a service. `url()` is where it listens, once started. */
export interface HttpServer extends Service {
  url(): string
  /** From now on every answer asks its connection to be closed, so that clients look elsewhere; `stop` is still to come. */
  drain(): void
}

const REQUEST_TIMEOUT_MS = 30_000
const SECURE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

/** Builds the API; `start` listens, `stop` answers what is under way, as far as the grace goes, and closes. @throws PortInUseError from `start`. */
export function createHttpServer(options: HttpServerOptions, deps: HttpServerDependencies): HttpServer {
  let server: FastifyInstance | undefined
  let draining = new AbortController()
  const service = defineService({
    name: 'http',
    start: async () => {
      draining = new AbortController()
      const starting = buildServer({ ...DEFAULTS, ...options }, deps, draining)
      await listen(starting, options)
      server = starting
    },
    stop: async () => {
      if (server !== undefined) await close(server, options.shutdownGraceMs)
      server = undefined
    },
  })
  return {
    ...service,
    drain: () => draining.abort(),
    url: () => {
      const address = server?.server.address() as AddressInfo | null | undefined
      const host = options.host.includes(':') ? `[${options.host}]` : options.host
      return `http://${host}:${address?.port ?? options.port}`
    },
  }
}

async function listen(server: FastifyInstance, { host, port }: HttpServerOptions): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (thrown) {
    await server.close()
    const error = toError(thrown)
    if (!('code' in error) || error.code !== 'EADDRINUSE') throw error
    throw new PortInUseError(
      `port ${port} on ${host} is in use; stop the other process or set CIDADAO_HTTP_PORT to another port (0 takes any)`,
      {
        cause: error,
        facts: { host, port },
      },
    )
  }
}

async function close(server: FastifyInstance, graceMs: number): Promise<void> {
  const cut = systemClock.schedule(graceMs, () => server.server.closeAllConnections())
  const stopSweeping = sweepIdle(server)
  try {
    await server.close()
  } finally {
    stopSweeping()
    cut.cancel()
  }
}

/** An answer that began before, as a stream does, could not ask for its connection to be closed: it is when the answer has ended. */
function sweepIdle({ server }: FastifyInstance): () => void {
  let timer = systemClock.schedule(SWEEP_MS, sweep)
  function sweep(): void {
    server.closeIdleConnections()
    timer = systemClock.schedule(SWEEP_MS, sweep)
  }
  return () => timer.cancel()
}

const SWEEP_MS = 50

function buildServer(options: Required<HttpServerOptions>, deps: HttpServerDependencies, draining: AbortController): FastifyInstance {
  const server = Fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...SECURE_HEADERS, 'x-request-id': request.id })
      // A part of the path that is longer than any of ours is simply not there.
      const told = hasCode(error, 'FST_ERR_MAX_PARAM_LENGTH') ? noRoute(request) : error
      void answerFailure(told, { request, reply, logger: deps.logger })
    },
    // Connections that only wait for a next request must not hold up a shutdown; those being answered are waited for.
    forceCloseConnections: 'idle',
    // Who came in on an open connection while closing is answered like everybody: nothing of theirs is dropped.
    return503OnClosing: false,
  })
  addHooks(server, deps, draining)
  readJson(server)
  server.setErrorHandler((thrown, request, reply) => answerFailure(toError(thrown), { request, reply, logger: deps.logger }))
  server.setNotFoundHandler((request, reply) => answerFailure(noRoute(request), { request, reply, logger: deps.logger }))
  server.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(WELCOME))
  addRoutes(server, options, { ...deps, draining })
  return server
}

function addHooks(server: FastifyInstance, deps: HttpServerDependencies, draining: AbortController): void {
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...SECURE_HEADERS, 'x-request-id': request.id })
  })
  server.addHook('preClose', async () => draining.abort())
  server.addHook('onSend', async (_request, reply, payload) => {
    // What is answered while closing must not leave its connection open for a next request: stopping would wait for it.
    if (draining.signal.aborted) reply.header('connection', 'close')
    return payload
  })
  server.addHook('onResponse', async (request, reply) => deps.onAnswered?.(toAnswered(request, reply)))
}

/** As the framework does, with a look at the depth before. */
function readJson(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.removeContentTypeParser('application/json')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    try {
      requireShallowJson(body as string)
    } catch (error) {
      return done(toError(error))
    }
    return parse(request, body as string, done)
  })
}

function addRoutes(
  server: FastifyInstance,
  options: Required<HttpServerOptions>,
  deps: HttpServerDependencies & { readonly draining: AbortController },
): void {
  const clock = systemClock
  const strangers = new TokenBuckets({ ...STRANGERS, clock })
  const authenticator = new Authenticator({ localKey: options.apiKey, keys: deps.apiKeys, strangers })
  const limits = new TokenBuckets({
    perSecond: options.requestsPerSecond,
    burst: options.requestBurst,
    maxCallers: MAX_KEYS_LIMITED,
    clock,
  })
  const feed = new EventFeed({ investigations: deps.investigations, clock, pollMs: options.eventPollMs })
  server.addHook('onClose', async () => feed.close())
  const { heartbeatMs, slowReaderMs } = options
  const events = { feed, clock, heartbeatMs, slowReaderMs, batch: EVENT_BATCH, authenticator, closing: deps.draining.signal }
  serveRoutes(server, apiRoutes({ ...deps, events }), { authenticator, limits })
}

interface Failed {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly logger: Logger
}

/** The caller gets what is for strangers; the log gets the rest, under the same request id. */
async function answerFailure(error: Error, { request, reply, logger }: Failed): Promise<void> {
  const { status } = await sendProblem(reply, request, error)
  const log = logger.child({ requestId: request.id, method: request.method, route: routeOf(request) })
  if (status >= 500) log.error('request failed', { status, error })
  else log.debug('request refused', { status, error })
}

function noRoute(request: FastifyRequest): RouteNotFoundError {
  return new RouteNotFoundError(`no route ${request.method} ${pathOf(request)}`)
}

const LONGEST_SHOWN_PATH = 200

function pathOf(request: FastifyRequest): string {
  return (request.url.split('?')[0] ?? '').slice(0, LONGEST_SHOWN_PATH)
}

const WELCOME = `Cidadão.AI orchestrator\n\nEverything that can be asked here is described at ${OPENAPI_PATH}\n`

/** The pattern of the route: unmatched URLs are one, so that strangers cannot make metrics grow. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched'
}

function toAnswered(request: FastifyRequest, reply: FastifyReply): AnsweredRequest {
  return { method: request.method, route: routeOf(request), status: reply.statusCode, durationSeconds: reply.elapsedTime / 1_000 }
}
