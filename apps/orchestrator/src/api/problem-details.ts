import { InfraError } from '@cidadao/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A failure as strangers may see it (RFC 9457). */
export interface ProblemDetails {
  readonly type: string
  readonly title: string
  readonly status: number
  /** Stable, for programs to branch on. */
  readonly code: string
  readonly detail?: string
  /** Finds the log lines of this request. */
  readonly requestId: string
}

/** Failures that are the caller's to mend: their message is written for them. Everything else says nothing but its status. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  ORCHESTRATOR_QUERY_NOT_UNDERSTOOD: 422,
  ORCHESTRATOR_PLAN_INVALID: 422,
  ORCHESTRATOR_SOURCE_REFUSED: 422,
  ORCHESTRATOR_INVESTIGATION_NOT_FOUND: 404,
  ORCHESTRATOR_ENGINE_FULL: 503,
  API_REQUEST_INVALID: 400,
  API_UNAUTHORIZED: 401,
  FST_ERR_CTP_INVALID_JSON_BODY: 400,
  FST_ERR_CTP_EMPTY_JSON_BODY: 400,
  FST_ERR_CTP_BODY_TOO_LARGE: 413,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 415,
  API_ROUTE_NOT_FOUND: 404,
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'An API key is needed',
  404: 'Not found',
  413: 'The request is too large',
  415: 'The media type is not supported',
  422: 'The request cannot be carried out',
  500: 'Something failed here',
  503: 'Busy or not available now',
}

/** A body, a parameter or a header that breaks its rule. The message names field, rule and value. */
export class RequestInvalidError extends InfraError {
  readonly code = 'API_REQUEST_INVALID'
}

/** Nothing is at this path. */
export class RouteNotFoundError extends InfraError {
  readonly code = 'API_ROUTE_NOT_FOUND'
}

/** No key, or one that is not known. */
export class UnauthorizedError extends InfraError {
  readonly code = 'API_UNAUTHORIZED'
}

/** What a stranger may learn of `error`. */
export function toProblem(error: Error, requestId: string): ProblemDetails {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL'
  const status = STATUS_BY_CODE[code] ?? (isPassing(code) ? 503 : 500)
  const shown = code in STATUS_BY_CODE
  return {
    type: `https://docs.cidadao.example/errors#${(shown ? code : 'INTERNAL').toLowerCase()}`,
    title: TITLES[status] ?? 'Something failed here',
    status,
    code: shown ? code : status === 503 ? 'UNAVAILABLE' : 'INTERNAL',
    ...(shown ? { detail: error.message } : {}),
    requestId,
  }
}

/** Outages of the database and full queues pass: the caller may try again. */
function isPassing(code: string): boolean {
  return code.startsWith('DB_') && /UNAVAILABLE|TIMEOUT|CONNECTION|CIRCUIT/.test(code)
}

export async function sendProblem(reply: FastifyReply, request: FastifyRequest, error: Error): Promise<void> {
  const problem = toProblem(error, request.id)
  if (problem.status === 503) reply.header('retry-after', '5')
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="cidadao"')
  await reply.code(problem.status).type('application/problem+json').send(problem)
}
