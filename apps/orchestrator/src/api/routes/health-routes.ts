import type { FastifyReply } from 'fastify'
import { may } from '../access/principal.ts'
import type { HealthView, MetricsView, ProbeResult } from '../api-ports.ts'
import { probe } from './answer-schemas.ts'
import { defineRoute, type Answer, type Route } from './route.ts'

const HEALTH_TYPE = 'application/health+json'
const PROBED: Readonly<Record<number, Answer>> = {
  200: { description: 'Yes.', content: { [HEALTH_TYPE]: probe } },
  503: { description: 'No.', content: { [HEALTH_TYPE]: probe } },
}

/** Probes, health and metrics. Everybody learns the status; its details, and metrics, are for whoever operates this. */
export function healthRoutes({ health, metrics }: { readonly health: HealthView; readonly metrics: MetricsView }): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/livez',
      operation: 'livez',
      summary: 'Whether the process should be left running',
      access: 'anyone',
      answers: PROBED,
      handle: ({ reply }) => sendProbe(reply, health.livez()),
    }),
    defineRoute({
      method: 'GET',
      path: '/startupz',
      operation: 'startupz',
      summary: 'Whether the start is done; once yes, always yes',
      access: 'anyone',
      answers: PROBED,
      handle: ({ reply }) => sendProbe(reply, health.startupz()),
    }),
    defineRoute({
      method: 'GET',
      path: '/readyz',
      operation: 'readyz',
      summary: 'Whether work may be sent here',
      access: 'anyone',
      answers: PROBED,
      handle: ({ reply }) => sendProbe(reply, health.readyz()),
    }),
    defineRoute({
      method: 'GET',
      path: '/health',
      operation: 'health',
      summary: 'Health; with the key of an operator, of each part',
      access: 'anyone',
      answers: PROBED,
      handle: ({ reply, principal }) => {
        const details = principal !== undefined && may(principal, 'operate') ? 'full' : 'none'
        return sendProbe(reply, health.report({ details }))
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/metrics',
      operation: 'metrics',
      summary: 'Metrics for Prometheus',
      access: 'operate',
      answers: { 200: { description: 'The exposition.', content: { 'text/plain': null, 'application/openmetrics-text': null } } },
      handle: async ({ request, reply }) => {
        const { contentType, body } = await metrics.expose(request.headers.accept)
        return reply.type(contentType).send(body)
      },
    }),
  ]
}

async function sendProbe(reply: FastifyReply, { httpStatus, body }: ProbeResult): Promise<FastifyReply> {
  return reply.code(httpStatus).header('cache-control', 'no-store').type(HEALTH_TYPE).send(JSON.stringify(body))
}
