import type { FastifyInstance, FastifyReply } from 'fastify'
import type { HealthView, MetricsView, ProbeResult } from './api-ports.ts'
import type { KeyCheck } from './authorization.ts'

/** Probes, health and metrics. Only the details of `/health` need a key: the rest says nothing about anybody. */
export function healthRoutes(
  api: FastifyInstance,
  views: { readonly health: HealthView; readonly metrics: MetricsView; readonly keys: KeyCheck },
): void {
  const { health, metrics, keys } = views
  api.get('/livez', (_request, reply) => sendProbe(reply, health.livez()))
  api.get('/readyz', (_request, reply) => sendProbe(reply, health.readyz()))
  api.get('/health', (request, reply) => sendProbe(reply, health.report({ details: keys.holds(request) ? 'full' : 'none' })))
  api.get('/metrics', async (request, reply) => {
    const { contentType, body } = await metrics.expose(request.headers.accept)
    return reply.type(contentType).send(body)
  })
}

async function sendProbe(reply: FastifyReply, { httpStatus, body }: ProbeResult): Promise<void> {
  await reply.code(httpStatus).header('cache-control', 'no-store').type('application/health+json').send(JSON.stringify(body))
}
