import { hasCode, InfraError } from '@cidadao/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A failure as strangers may see it (RFC 9457). */
export interface ProblemDetails {
  readonly type: string
  readonly title: string
  readonly status: number
  /** Stable, for programs to branch on. */
  readonly code: string
  readonly detail?: string
  /** Which fields break which rules, where that is what is wrong. */
  readonly errors?: readonly FieldProblem[]
  /** Finds the log lines of this request. */
  readonly requestId: string
}

export interface FieldProblem {
  /** `body.query`, `query.limit`, `path.id` */
  readonly field: string
  readonly rule: string
}

/** Failures that are the caller's to mend: their message is written for them. Everything else says nothing but its status. */
const STATUS_BY_CODE: ReadonlyMap<string, number> = new Map([
  ['ORCHESTRATOR_QUERY_NOT_UNDERSTOOD', 422],
  ['ORCHESTRATOR_PLAN_INVALID', 422],
  ['ORCHESTRATOR_SOURCE_REFUSED', 422],
  ['ORCHESTRATOR_INVESTIGATION_NOT_FOUND', 404],
  ['ORCHESTRATOR_ENGINE_FULL', 503],
  ['ORCHESTRATOR_ENGINE_STOPPING', 503],
  ['API_REQUEST_INVALID', 422],
  ['API_UNAUTHORIZED', 401],
  ['API_FORBIDDEN', 403],
  ['API_RATE_LIMITED', 429],
  ['API_BODY_TOO_DEEP', 400],
  ['ORCHESTRATOR_RESULTS_NOT_READY', 409],
  ['ORCHESTRATOR_IDEMPOTENCY_CONFLICT', 422],
  ['ORCHESTRATOR_APPROVAL_NOT_ASKED', 409],
  ['API_ROUTE_NOT_FOUND', 404],
  ['DB_INVALID_CURSOR', 422],
  ['FST_ERR_CTP_INVALID_JSON_BODY', 400],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', 400],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 400],
  ['FST_ERR_BAD_URL', 400],
  ['FST_ERR_CTP_BODY_TOO_LARGE', 413],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 415],
])

/** Outages of the database: the caller may try again. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'DB_UNAVAILABLE',
  'DB_CONNECTION_LOST',
  'DB_TRANSACTION_LOST',
  'DB_POOL_TIMEOUT',
  'DB_CIRCUIT_OPEN',
  'DB_TOO_MANY_CONNECTIONS',
  'DB_ANSWER_TIMEOUT',
  'DB_STATEMENT_TIMEOUT',
  'DB_LOCK_TIMEOUT',
  'DB_NOT_PRIMARY',
  'DB_READ_ONLY',
  'DB_CLOSED',
])

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'An API key is needed',
  403: 'The key may not do this',
  404: 'Not found',
  409: 'Not possible as things stand',
  413: 'The request is too large',
  415: 'The media type is not supported',
  422: 'The request cannot be carried out',
  429: 'Too many requests',
  500: 'Something failed here',
  503: 'Busy or not available now',
}

/** A body, a parameter or a header that breaks its rule. The message names field, rule and value. */
export class RequestInvalidError extends InfraError {
  readonly code = 'API_REQUEST_INVALID'
  readonly problems: readonly FieldProblem[]

  constructor(problems: readonly FieldProblem[]) {
    super(problems.map(({ field, rule }) => `${field}: ${rule}`).join('; '), { facts: { problems: problems.length } })
    this.problems = problems
  }
}

/** Nothing is at this path. */
export class RouteNotFoundError extends InfraError {
  readonly code = 'API_ROUTE_NOT_FOUND'
}

/** No key, or one that is not known. */
export class UnauthorizedError extends InfraError {
  readonly code = 'API_UNAUTHORIZED'
}

/** The key is good, and its role does not allow this. */
export class ForbiddenError extends InfraError {
  readonly code = 'API_FORBIDDEN'
}

/** More requests than the key, or the address of an unknown one, may make. `facts.retryInMs` says when to come again. */
export class RateLimitedError extends InfraError {
  readonly code = 'API_RATE_LIMITED'
  readonly retryInMs: number

  constructor(retryInMs: number) {
    super(`too many requests; come again in ${retryInMs} ms`, { facts: { retryInMs } })
    this.retryInMs = retryInMs
  }
}

/** JSON nested deeper than anything that is asked for here. */
export class BodyTooDeepError extends InfraError {
  readonly code = 'API_BODY_TOO_DEEP'
}

/** What a stranger may learn of `error`. */
export function toProblem(error: Error, requestId: string): ProblemDetails {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL'
  const known = STATUS_BY_CODE.get(code)
  if (known !== undefined) {
    const problems = error instanceof RequestInvalidError ? { errors: error.problems } : {}
    return { ...problemOf(known, code, requestId), detail: error.message, ...problems }
  }
  if (PASSING_CODES.has(code)) return problemOf(503, 'UNAVAILABLE', requestId)
  // A body that the JSON parser refuses for what it could do to objects has a status, but no code.
  if (error instanceof SyntaxError && 'statusCode' in error && error.statusCode === 400)
    return problemOf(400, 'API_BODY_INVALID', requestId)
  return problemOf(500, 'INTERNAL', requestId)
}

function problemOf(status: number, code: string, requestId: string): ProblemDetails {
  const title = TITLES[status] ?? 'Something failed here'
  return { type: `https://docs.cidadao.example/errors#${code.toLowerCase()}`, title, status, code, requestId }
}

export async function sendProblem(reply: FastifyReply, request: FastifyRequest, error: Error): Promise<ProblemDetails> {
  const problem = toProblem(error, request.id)
  if (problem.status === 503) reply.header('retry-after', '5')
  if (error instanceof RateLimitedError) reply.header('retry-after', String(Math.ceil(error.retryInMs / MS_PER_SECOND)))
  if (hasCode(error, 'API_UNAUTHORIZED')) reply.header('www-authenticate', 'Bearer realm="cidadao"')
  await reply.code(problem.status).type('application/problem+json').send(problem)
  return problem
}

const MS_PER_SECOND = 1_000
