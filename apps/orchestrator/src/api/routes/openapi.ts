import { z } from 'zod'
import { problem } from './answer-schemas.ts'
import type { Answer, Route } from './route.ts'

type Json = Readonly<Record<string, unknown>>

/** The OpenAPI 3.1 document of the routes, from the very schemas that validate their requests. */
export function describeRoutes(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = describeRoute(route)
  return {
    openapi: '3.1.0',
    info: { title: 'Cidadão.AI orchestrator', version, description: 'Durable, provable investigations of public spending.' },
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: toSchema(problem, 'output') },
    },
  }
}

function describeRoute(route: Route): Json {
  return {
    operationId: route.operation,
    summary: route.summary,
    ...(route.access === 'anyone' ? { security: [] } : { security: [{ key: [] }], 'x-permission': route.access }),
    parameters: [
      ...parametersOf(route.params, 'path'),
      ...parametersOf(route.query, 'query'),
      ...Object.entries(route.headers ?? {}).map(([name, description]) => ({
        name,
        in: 'header',
        description,
        schema: { type: 'string' },
      })),
    ],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: toSchema(route.body, 'input') } } } }),
    responses: {
      ...Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, describeAnswer(answer)])),
      default: {
        description: 'A refusal or a failure, as a problem document (RFC 9457).',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function describeAnswer({ description, content }: Answer): Json {
  if (content === undefined) return { description }
  const types = Object.entries(content).map(([type, schema]) => [
    type,
    { schema: schema === null ? { type: 'string' } : toSchema(schema, 'output') },
  ])
  return { description, content: Object.fromEntries(types) as Json }
}

function parametersOf(schema: z.ZodType | undefined, where: 'path' | 'query'): readonly Json[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = toSchema(schema, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, property]) => ({ name, in: where, required: required.includes(name), schema: property }))
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: dialect, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json
  if (dialect !== 'https://json-schema.org/draft/2020-12/schema') throw new Error('OpenAPI 3.1 is of the dialect 2020-12')
  return described
}
