import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { scopeOf } from '../access/principal.ts'
import type { InvestigationApi } from '../api-ports.ts'
import { investigation, investigationPage } from './answer-schemas.ts'
import { idempotencyKey, idParams, listQuery, parseRequest, submitBody } from './request-schemas.ts'
import { defineRoute, principalOf, type Answer, type Route } from './route.ts'

const JSON_TYPE = 'application/json'
const ONE: Answer = { description: 'The investigation.', content: { [JSON_TYPE]: investigation } }
const UNCHANGED: Answer = { description: 'Not changed since the version named by If-None-Match.' }

/** Submit, list, read, cancel. */
export function investigationRoutes(investigations: InvestigationApi): readonly Route[] {
  return [submitRoute(investigations), listRoute(investigations), ...oneRoutes(investigations)]
}

function submitRoute(investigations: InvestigationApi): Route {
  return defineRoute({
    method: 'POST',
    path: '/investigations',
    operation: 'submitInvestigation',
    summary: 'Submit a question about a source',
    access: 'write',
    body: submitBody,
    headers: { 'idempotency-key': 'The same key with the same request submits once, however often it is sent.' },
    answers: { 202: { ...ONE, description: 'Stored; it will run, whatever happens to this process.' } },
    handle: async (asked) => {
      const given = asked.request.headers['idempotency-key']
      const key = given === undefined ? {} : { idempotencyKey: parseRequest(idempotencyKey, given, 'header') }
      const submitted = await investigations.submit({ ...asked.body, ...key, owner: principalOf(asked).owner })
      return asked.reply.code(202).header('location', `/investigations/${submitted.id}`).send(submitted)
    },
  })
}

function listRoute(investigations: InvestigationApi): Route {
  return defineRoute({
    method: 'GET',
    path: '/investigations',
    operation: 'listInvestigations',
    summary: 'Investigations, newest first, page by page',
    access: 'read',
    query: listQuery,
    answers: { 200: { description: 'A page.', content: { [JSON_TYPE]: investigationPage } } },
    handle: (asked) => {
      const { status, limit, after } = asked.query
      const filter = { limit, ...(status === undefined ? {} : { status }), ...(after === undefined ? {} : { after }) }
      return investigations.list({ ...filter, ...scopeOf(principalOf(asked)) })
    },
  })
}

function oneRoutes(investigations: InvestigationApi): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/investigations/{id}',
      operation: 'getInvestigation',
      summary: 'One investigation, with its steps and results',
      access: 'read',
      params: idParams,
      headers: { 'if-none-match': 'ETag of an earlier answer.' },
      answers: { 200: ONE, 304: UNCHANGED },
      handle: async (asked) => sendTagged(asked, await investigations.get(asked.params.id, scopeOf(principalOf(asked)))),
    }),
    defineRoute({
      method: 'POST',
      path: '/investigations/{id}/cancel',
      operation: 'cancelInvestigation',
      summary: 'End an investigation',
      access: 'write',
      params: idParams,
      answers: { 202: { ...ONE, description: 'The wish is stored; a crash does not forget it.' } },
      handle: async (asked) => asked.reply.code(202).send(await investigations.cancel(asked.params.id, scopeOf(principalOf(asked)))),
    }),
  ]
}

interface Tagged {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** 304 where the caller has exactly this already. It has to ask each time: what is still running changes. */
export async function sendTagged({ request, reply }: Tagged, value: unknown, type: string = JSON_TYPE): Promise<FastifyReply> {
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  const tag = `"${createHash('sha256').update(body).digest('base64url')}"`
  reply.headers({ etag: tag, 'cache-control': 'private, no-cache', vary: 'authorization' })
  const known = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''))
  if (known.includes(tag) || known.includes('*')) return reply.code(304).send()
  return reply.type(`${type}; charset=utf-8`).send(body)
}
