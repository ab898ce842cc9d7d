import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'vitest'
import type { Client } from './test-house.ts'

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}
export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Described>> }>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

/** A client that holds every answer against the OpenAPI document of the server that gave it. */
export interface DescribedClient extends Client {
  readonly document: OpenApiDocument
}

export async function describedClient(client: Client): Promise<DescribedClient> {
  const document = (await (await client.fetch('/openapi.json', { key: null })).json()) as OpenApiDocument
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const checks = new Map<object, ReturnType<typeof ajv.compile>>()
  const fetch: Client['fetch'] = async (path, init) => {
    const response = await client.fetch(path, init)
    const described = findAnswer(document, { path, method: init?.method ?? 'GET', status: response.status })
    const [type = ''] = (response.headers.get('content-type') ?? '').split(';')
    if (described?.content === undefined)
      expect([path, response.status, await response.clone().text()]).toEqual([path, response.status, ''])
    else expect([path, Object.keys(described.content)]).toEqual([path, expect.arrayContaining([type])])
    const schema = described?.content?.[type]?.schema
    if (schema !== undefined && type.endsWith('json')) {
      const resolved = '$ref' in schema ? document.components.schemas.Problem : schema
      if (resolved === undefined) throw new Error('the document refers to a schema that it has not')
      const check = checks.get(resolved) ?? ajv.compile(resolved)
      checks.set(resolved, check)
      void check(await response.clone().json())
      expect([path, response.status, check.errors]).toEqual([path, response.status, null])
    }
    return response
  }
  return { ...client, document, fetch }
}

/** The answer that the document promises; `default` where it has no such status. Undefined for routes that are none. */
function findAnswer(
  document: OpenApiDocument,
  { path, method, status }: { readonly path: string; readonly method: string; readonly status: number },
): Described | undefined {
  const [plain = ''] = path.split('?')
  const found = Object.entries(document.paths).find(([pattern]) => new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(plain))
  const responses = found?.[1][method.toLowerCase()]?.responses
  if (responses === undefined) return { content: { 'application/problem+json': { schema: document.components.schemas.Problem ?? {} } } }
  return responses[String(status)] ?? responses.default
}
