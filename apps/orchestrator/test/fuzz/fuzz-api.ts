import { SeededRandom } from '@cidadao/testing'
import type { DescribedClient } from '../support/described-client.ts'

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  /** Keys to ask with; null: without. */
  readonly keys: readonly (string | null)[]
  /** Ids that exist. */
  readonly ids: readonly string[]
  /** Longest wait for an answer, in milliseconds. */
  readonly deadlineMs: number
}

export interface FuzzReport {
  readonly byStatus: Readonly<Record<string, number>>
  /** Requests that were answered by a failure, with a stack, or not at all. */
  readonly faults: readonly string[]
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: { readonly enum?: readonly string[] }
}

interface Operation {
  readonly path: string
  readonly method: string
  readonly parameters: readonly Parameter[]
  readonly hasBody: boolean
}

const ODD_TEXTS = [
  '',
  ' ',
  '0',
  '-1',
  '1e9',
  'NaN',
  '..',
  '../../etc/passwd',
  "' OR 1=1 --",
  '💥',
  'é\u0301',
  '\u202E',
  '<script>',
  'x'.repeat(300),
  '%',
  '%00',
]
/** The client itself would resolve the dots. */
const ODD_IDS = ODD_TEXTS.filter((text) => text !== '..')
const GOOD_TEXTS = ['1', '2', '50', 'json', 'csv', 'html', 'en', 'pt', 'completed', 'calendar', 'high', 'etag', '"x"', '*']
const BODIES = [
  '',
  '{',
  'null',
  '[]',
  '{"query":"All contracts"}',
  '{"query":"All contracts","source":"missing"}',
  '{"query":5,"source":{}}',
  `{"query":"${'x'.repeat(3_000)}","source":"a"}`,
  '{"__proto__":{"x":1},"query":"q","source":"s"}',
  '['.repeat(500),
  '{"query":"\\ud800","source":"\\u0000"}',
  '{"query":"All contracts","source":"small"}',
]
const TYPES = ['application/json', 'application/json; charset=utf-8', 'text/plain', 'application/xml', '']

/** Asks what the OpenAPI document offers, mostly wrongly; every answer is held against the document by the client. */
export async function fuzzApi(client: DescribedClient, options: FuzzOptions): Promise<FuzzReport> {
  const random = new SeededRandom(options.seed)
  const operations = operationsOf(client)
  const byStatus: Record<string, number> = {}
  const faults: string[] = []
  for (let done = 0; done < options.requests; done++) {
    const { path, init } = makeRequest(random.pick(operations), random, options)
    const said = `${init.method} ${path.slice(0, 200)}`
    try {
      const response = await client.fetch(path, { ...init, signal: AbortSignal.timeout(options.deadlineMs) })
      const text = await response.text()
      byStatus[response.status] = (byStatus[response.status] ?? 0) + 1
      // 503 is how the probes say no.
      const isProbe = /^\/(?:livez|readyz|health)/.test(path)
      if (response.status >= 500 && !isProbe) faults.push(`${said}: ${response.status} ${text.slice(0, 200)}`)
      if (/\bat .*\.[jt]s:\d+|node_modules|postgresql:\/\//.test(text)) faults.push(`${said}: a stack in ${text.slice(0, 200)}`)
    } catch (error) {
      faults.push(`${said}: ${String(error).slice(0, 400)}`)
    }
  }
  return { byStatus, faults }
}

function operationsOf({ document }: DescribedClient): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { parameters = [], requestBody } = operation as { readonly parameters?: readonly Parameter[]; readonly requestBody?: unknown }
      return { path, method: method.toUpperCase(), parameters, hasBody: requestBody !== undefined }
    }),
  )
}

interface MadeRequest {
  readonly path: string
  readonly init: RequestInit & { readonly method: string; readonly key: string | null }
}

function makeRequest(operation: Operation, random: SeededRandom, { ids, keys }: FuzzOptions): MadeRequest {
  const headers: Record<string, string> = {}
  const query = new URLSearchParams()
  let { path } = operation
  for (const { name, in: place, schema } of operation.parameters) {
    const text = random.pick([...ODD_TEXTS, ...GOOD_TEXTS, ...(schema.enum ?? [])])
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(random.pick([...ids, ...ids, ...ids, ...ODD_IDS]) || '-'))
    else if (random.chance(0.5)) {
      if (place === 'query') query.append(name, text)
      else headers[name] = text.replaceAll(/[^\x20-\x7e]/g, '').trim()
    }
  }
  if (random.chance(0.1)) query.append(random.pick(ODD_TEXTS), random.pick(ODD_TEXTS))
  const key = random.pick(keys)
  if (!operation.hasBody) return { path: address(path, query), init: { method: operation.method, headers, key } }
  const type = random.pick(TYPES)
  if (type !== '') headers['content-type'] = type
  return { path: address(path, query), init: { method: operation.method, headers, key, body: random.pick(BODIES) } }
}

function address(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}?${query.toString()}`
}
