import { z } from 'zod'
import type { HealthView, InvestigationApi, MetricsView } from './api-ports.ts'
import { auditRoutes } from './routes/audit-routes.ts'
import { eventRoutes, type EventRouteParts } from './routes/event-routes.ts'
import { healthRoutes } from './routes/health-routes.ts'
import { investigationRoutes } from './routes/investigation-routes.ts'
import { describeRoutes } from './routes/openapi.ts'
import { resultRoutes } from './routes/result-routes.ts'
import { defineRoute, type Route } from './routes/route.ts'

export const OPENAPI_PATH = '/openapi.json'

export interface ApiParts {
  readonly investigations: InvestigationApi
  readonly health: HealthView
  readonly metrics: MetricsView
  readonly events: EventRouteParts
  readonly version?: string
}

/** Every route of the API, the description of all of them included. */
export function apiRoutes({ investigations, health, metrics, events, version = '0.0.0' }: ApiParts): readonly Route[] {
  const routes: Route[] = [
    ...investigationRoutes(investigations),
    ...eventRoutes(events),
    ...resultRoutes(investigations),
    ...auditRoutes(investigations),
    ...healthRoutes({ health, metrics }),
  ]
  const described: Route = defineRoute({
    method: 'GET',
    path: OPENAPI_PATH,
    operation: 'describe',
    summary: 'This document',
    access: 'anyone',
    answers: { 200: { description: 'OpenAPI 3.1.', content: { 'application/json': z.looseObject({ openapi: z.string() }) } } },
    handle: async ({ reply }) => reply.type('application/json; charset=utf-8').send(document),
  })
  const document: string = JSON.stringify(describeRoutes([...routes, described], version))
  return [...routes, described]
}
