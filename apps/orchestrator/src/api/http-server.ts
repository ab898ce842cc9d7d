import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { defineService, toError, type Logger, type Service } from '@cidadao/contracts'
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
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

/** Builds the API; `start` listens, `stop` answers what is under way and closes. @throws PortInUseError from `start`. */
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
      await server?.close()
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

function buildServer(options: HttpServerOptions, deps: HttpServerDependencies): FastifyInstance {
  const server = Fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => randomUUID(),
    // Connections that only wait for a next request must not hold up a shutdown; those being answered are waited for.
    forceCloseConnections: 'idle',
  })
  const keys = new KeyCheck(options.apiKey)
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...SECURE_HEADERS, 'x-request-id': request.id })
  })
  server.addHook('onResponse', async (request, reply) => deps.onAnswered?.(toAnswered(request, reply)))
  server.setErrorHandler((thrown, request, reply) => {
    const error = toError(thrown)
    const log = deps.logger.child({ requestId: request.id, method: request.method, route: routeOf(request) })
    log.debug('request refused or failed', { error })
    return sendProblem(reply, request, error).finally(() => {
      if (reply.statusCode >= 500) log.error('request failed', { error })
    })
  })
  server.setNotFoundHandler((request, reply) =>
    sendProblem(reply, request, new RouteNotFoundError(`no route ${request.method} ${request.url.split('?')[0] ?? ''}`)),
  )
  server.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(WELCOME))
  healthRoutes(server, { ...deps, keys })
  investigationRoutes(server, { investigations: deps.investigations, keys })
  return server
}

const WELCOME = `Cidadão.AI orchestrator

POST /investigations        {"query": "...", "source": "..."}   submit (key needed)
GET  /investigations        list (key needed)
GET  /investigations/{id}   one, with its steps and results (key needed)
GET  /health  /livez  /readyz  /metrics
`

/** The pattern of the route: unmatched URLs are one, so that strangers cannot make metrics grow. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched'
}

function toAnswered(request: FastifyRequest, reply: FastifyReply): AnsweredRequest {
  return { method: request.method, route: routeOf(request), status: reply.statusCode, durationSeconds: reply.elapsedTime / 1_000 }
}
