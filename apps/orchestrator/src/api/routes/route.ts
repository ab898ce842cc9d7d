import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Authenticator } from '../access/authenticator.ts'
import { may, type Permission, type Principal } from '../access/principal.ts'
import type { TokenBuckets } from '../access/token-buckets.ts'
import { ForbiddenError, RateLimitedError } from '../problem-details.ts'
import { parseRequest } from './request-schemas.ts'

/** What a route answers with one status. */
export interface Answer {
  readonly description: string
  /** By media type; null where the body is no JSON. Absent: no body. */
  readonly content?: Readonly<Record<string, z.ZodType | null>>
}

/** What a handler is given, all of it validated. */
export interface Asked<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly principal: Principal | undefined
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** One operation: what validates its requests also describes it in the OpenAPI document. */
export interface Route<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: 'GET' | 'POST'
  /** With parameters in braces: `/investigations/{id}`. */
  readonly path: string
  readonly operation: string
  readonly summary: string
  /** `anyone` needs no key; who it is is told where there is one. */
  readonly access: Permission | 'anyone'
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
  /** Request headers that mean something, for the document. */
  readonly headers?: Readonly<Record<string, string>>
  readonly answers: Readonly<Record<number, Answer>>
  /** A stream: HEAD of it would have to be read to its end. */
  readonly isStream?: boolean
  readonly handle: (asked: Asked<Params, Query, Body>) => Promise<unknown>
}

/** Gives up the types of the parts, which only the handler needs. */
export function defineRoute<Params, Query, Body>(route: Route<Params, Query, Body>): Route {
  return route as unknown as Route
}

export interface RouteGuards {
  readonly authenticator: Authenticator
  /** By key. */
  readonly limits: TokenBuckets
}

/** Serves the routes. Who asks is known, and whether they may, before a body is read. */
export function serveRoutes(api: FastifyInstance, routes: readonly Route[], guards: RouteGuards): void {
  const principals = new WeakMap<FastifyRequest, Principal>()
  for (const route of routes) {
    api.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      exposeHeadRoute: route.method === 'GET' && route.isStream !== true,
      onRequest: async (request) => {
        const principal = await admit(route, request, guards)
        if (principal !== undefined) principals.set(request, principal)
      },
      handler: (request, reply) =>
        route.handle({
          params: route.params === undefined ? undefined : parseRequest(route.params, request.params, 'path'),
          query: parseRequest(route.query ?? NOTHING, request.query, 'query'),
          body: route.body === undefined ? undefined : parseRequest(route.body, request.body, 'body'),
          principal: principals.get(request),
          request,
          reply,
        }),
    })
  }
}

const NOTHING = z.looseObject({})

async function admit(route: Route, request: FastifyRequest, { authenticator, limits }: RouteGuards): Promise<Principal | undefined> {
  if (route.access === 'anyone') {
    // Only the details of health depend on who asks; a probe must not wait for a look-up.
    return route.path === '/health' ? authenticator.identify(request) : undefined
  }
  const principal = await authenticator.require(request)
  const taken = limits.take(principal.keyId)
  if (taken.outcome === 'refused') throw new RateLimitedError(taken.retryInMs)
  if (!may(principal, route.access)) throw new ForbiddenError(`a key with the role "${principal.role}" may not do this`)
  return principal
}

/** Who asks, on a route that only known ones reach. */
export function principalOf({ principal }: { readonly principal: Principal | undefined }): Principal {
  if (principal === undefined) throw new Error('a route for known callers was reached by a stranger')
  return principal
}
