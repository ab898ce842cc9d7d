import type { FastifyRequest } from 'fastify'
import { scopeOf } from '../access/principal.ts'
import type { Authenticator } from '../access/authenticator.ts'
import { eventStream, type StreamParts } from '../events/event-stream.ts'
import { RequestInvalidError } from '../problem-details.ts'
import { eventPage } from './answer-schemas.ts'
import { eventsQuery, idParams } from './request-schemas.ts'
import { defineRoute, principalOf, type Route } from './route.ts'

const STREAM_TYPE = 'text/event-stream'
const EVENT_ID = /^\d{1,15}$/

export interface EventRouteParts extends StreamParts {
  readonly authenticator: Authenticator
  /** Aborts when the server stops. */
  readonly closing: AbortSignal
}

/** Progress: as a stream for whoever asks for one, else as a page to be asked for again and again. */
export function eventRoutes(parts: EventRouteParts): readonly Route[] {
  const { feed, authenticator, closing, batch } = parts
  return [
    defineRoute({
      method: 'GET',
      path: '/investigations/{id}/events',
      operation: 'listEvents',
      summary: 'Progress, as server-sent events (Accept: text/event-stream) or page by page',
      access: 'read',
      isStream: true,
      params: idParams,
      query: eventsQuery,
      headers: { 'last-event-id': 'A stream goes on after this event.' },
      answers: {
        200: { description: 'Events in order.', content: { 'application/json': eventPage, [STREAM_TYPE]: null } },
        204: { description: 'The investigation has ended and there is nothing after that event: a stream need not be opened again.' },
      },
      handle: async (asked) => {
        const { request, reply, params, query } = asked
        const principal = principalOf(asked)
        const scope = scopeOf(principal)
        if (!wantsStream(request)) return feed.read({ id: params.id, scope, ...query })
        const after = lastEventId(request) ?? query.after
        const first = await feed.read({ id: params.id, scope, after, limit: batch })
        if (first.ended && first.items.length === 0) return reply.code(204).send()
        const isStillAllowed = async (): Promise<boolean> => (await authenticator.identify(request))?.keyId === principal.keyId
        // Proxies must not collect what is meant to arrive at once.
        reply.headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' }).type(STREAM_TYPE)
        return reply.send(eventStream({ id: params.id, scope, after, first, closing, isStillAllowed }, parts))
      },
    }),
  ]
}

function wantsStream({ headers }: FastifyRequest): boolean {
  return (headers.accept ?? '').toLowerCase().includes(STREAM_TYPE)
}

/** @throws RequestInvalidError */
function lastEventId({ headers }: FastifyRequest): number | undefined {
  const given = headers['last-event-id']
  if (given === undefined || given === '') return undefined
  if (typeof given === 'string' && EVENT_ID.test(given)) return Number(given)
  throw new RequestInvalidError([{ field: 'header.last-event-id', rule: 'must be the id of an event' }])
}
