import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { defineService, systemClock, toError, type Logger, type Service } from '@cidadao/contracts'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { PortInUseError } from '../errors.ts'
import type { HealthView, MetricsView } from './api-ports.ts'
import { KeyCheck } from './authorization.ts'
import { healthRoutes } from './health-routes.ts'
import { investigationRoutes, type InvestigationApi } from './investigation-routes.ts'
import { RouteNotFoundError, sendProblem } from './problem-details.ts'

export interface HttpServerOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly bodyLimitBytes: number
  /** How long `stop` waits for requests under way; then it cuts them. In milliseconds. */
  readonly shutdownGraceMs: number
  readonly apiKey: string
}

export interface HttpServerDependencies {
  readonly investigations: InvestigationApi
  readonly health: HealthView
  readonly metrics: MetricsView
  readonly logger: Logger
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
}

const REQUEST_TIMEOUT_MS = 30_000
const SECURE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

/** Builds the API; `start` listens, `stop` answers what is under way, as far as the grace goes, and closes. @throws PortInUseError from `start`. */
export function createHttpServer(options: HttpServerOptions, deps: HttpServerDependencies): HttpServer {
  let server: FastifyInstance | undefined
  const service = defineService({
    name: 'http',
    start: async () => {
      const starting = buildServer(options, deps)
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
  try {
    await server.close()
  } finally {
    cut.cancel()
  }
}

function buildServer(options: HttpServerOptions, deps: HttpServerDependencies): FastifyInstance {
  const server = Fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...SECURE_HEADERS, 'x-request-id': request.id })
      void answerFailure(error, { request, reply, logger: deps.logger })
    },
    // Connections that only wait for a next request must not hold up a shutdown; those being answered are waited for.
    forceCloseConnections: 'idle',
  })
  const keys = new KeyCheck(options.apiKey)
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...SECURE_HEADERS, 'x-request-id': request.id })
  })
  let closing = false
  server.addHook('preClose', async () => {
    closing = true
  })
  server.addHook('onSend', async (_request, reply, payload) => {
    // What is answered while closing must not leave its connection open for a next request: stopping would wait for it.
    if (closing) reply.header('connection', 'close')
    return payload
  })
  server.addHook('onResponse', async (request, reply) => deps.onAnswered?.(toAnswered(request, reply)))
  server.setErrorHandler((thrown, request, reply) => answerFailure(toError(thrown), { request, reply, logger: deps.logger }))
  server.setNotFoundHandler((request, reply) =>
    answerFailure(new RouteNotFoundError(`no route ${request.method} ${pathOf(request)}`), { request, reply, logger: deps.logger }),
  )
  server.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(WELCOME))
  healthRoutes(server, { ...deps, keys })
  investigationRoutes(server, { investigations: deps.investigations, keys })
  return server
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

const LONGEST_SHOWN_PATH = 200

function pathOf(request: FastifyRequest): string {
  return (request.url.split('?')[0] ?? '').slice(0, LONGEST_SHOWN_PATH)
}

const WELCOME = `Cidadão.AI orchestrator

POST /investigations               {"query": "...", "source": "..."}   submit (key needed)
GET  /investigations               list: ?status= &limit= &after= (key needed)
GET  /investigations/{id}          one, with its steps and results (key needed)
POST /investigations/{id}/cancel   end it (key needed)
GET  /health  /livez  /readyz  /metrics
`

/** The pattern of the route: unmatched URLs are one, so that strangers cannot make metrics grow. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched'
}

function toAnswered(request: FastifyRequest, reply: FastifyReply): AnsweredRequest {
  return { method: request.method, route: routeOf(request), status: reply.statusCode, durationSeconds: reply.elapsedTime / 1_000 }
}
