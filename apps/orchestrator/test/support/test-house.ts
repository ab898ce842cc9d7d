import { loadConfig, type Config } from '@cidadao/config'
import { onTestFinished } from 'vitest'
import type { HttpServer } from '../../src/api/http-server.ts'
import { compose, composeServer, type House } from '../../src/compose.ts'
import { sharedUrl } from './test-database.ts'

export const API_KEY = 'a-key-that-only-the-tests-know'

export interface TestHouse {
  readonly config: Config
  readonly house: House
}

/** The whole system on a database of the tests, configured as by the environment. */
export async function buildHouse(env: Readonly<Record<string, string>> = {}): Promise<TestHouse> {
  const config = loadConfig({
    env: {
      CIDADAO_PRESET: 'test',
      DATABASE_URL: env.DATABASE_URL ?? (await sharedUrl()),
      DATABASE_POOL_SIZE: '4',
      DATABASE_MAX_OVERFLOW: '4',
      CIDADAO_HTTP_PORT: '0',
      CIDADAO_LOG_LEVEL: 'error',
      CIDADAO_AGENT_THREADS: '1',
      CIDADAO_MONITORING_SAMPLE_INTERVAL_MS: '200',
      ...env,
    },
    envFiles: [],
  })
  return { config, house: compose(config, { version: '0.0.0', revision: 'test' }) }
}

export async function startHouse(env: Readonly<Record<string, string>> = {}): Promise<TestHouse> {
  const built = await buildHouse(env)
  onTestFinished(() => built.house.stop())
  await built.house.start()
  return built
}

/** A client of the API of a house: with the key unless told otherwise. */
export interface Client {
  readonly url: string
  readonly server: HttpServer
  fetch(path: string, init?: RequestInit & { readonly key?: string | null }): Promise<Response>
  post(path: string, body: unknown): Promise<Response>
}

export async function serve(server: HttpServer): Promise<Client> {
  onTestFinished(() => server.stop())
  await server.start()
  return clientOf(server)
}

export function clientOf(server: HttpServer): Client {
  const url = server.url()
  const call: Client['fetch'] = (path, { key = API_KEY, ...init } = {}) =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string> | undefined), ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
    })
  return {
    url,
    server,
    fetch: call,
    post: (path, body) => call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }
}

export async function serveHouse(env: Readonly<Record<string, string>> = {}): Promise<TestHouse & { readonly client: Client }> {
  const built = await startHouse(env)
  return { ...built, client: await serve(composeServer(built.config, built.house, API_KEY)) }
}
