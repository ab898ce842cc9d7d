import type { InvestigationStatus } from '@cidadao/db'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { InvestigationView } from './api-ports.ts'
import type { KeyCheck } from './authorization.ts'
import { idParams, listQuery, parseRequest, submitBody } from './request-schemas.ts'

/** What the routes need of the orchestrator. */
export interface InvestigationApi {
  submit(request: { readonly query: string; readonly source: string }): Promise<InvestigationView>
  /** @throws InvestigationNotFoundError */
  get(id: string): Promise<InvestigationView>
  list(filter: { readonly status?: InvestigationStatus; readonly limit: number; readonly after?: string }): Promise<InvestigationPage>
  /** @throws InvestigationNotFoundError */
  cancel(id: string): Promise<InvestigationView>
}

export interface InvestigationPage {
  readonly items: readonly InvestigationView[]
  /** Give it back as `after` to go on; null on the last page. */
  readonly next: string | null
}

/** Submit, list, read, cancel. Every one of them needs the key. */
export function investigationRoutes(
  api: FastifyInstance,
  deps: { readonly investigations: InvestigationApi; readonly keys: KeyCheck },
): void {
  const { investigations, keys } = deps
  // Before the body is read: a stranger is not worth parsing for.
  const guarded = { onRequest: async (request: FastifyRequest) => keys.require(request) }
  api.post('/investigations', guarded, async (request, reply) => {
    const submitted = await investigations.submit(parseRequest(submitBody, request.body, 'body'))
    return reply.code(202).header('location', `/investigations/${submitted.id}`).send(submitted)
  })
  api.get('/investigations', guarded, async (request) => {
    const { status, limit, after } = parseRequest(listQuery, request.query, 'query')
    return investigations.list({ limit, ...(status === undefined ? {} : { status }), ...(after === undefined ? {} : { after }) })
  })
  api.get('/investigations/:id', guarded, async (request) => investigations.get(parseRequest(idParams, request.params, 'path').id))
  api.post('/investigations/:id/cancel', guarded, async (request, reply) =>
    reply.code(202).send(await investigations.cancel(parseRequest(idParams, request.params, 'path').id)),
  )
}
