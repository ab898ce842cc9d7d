import { TestClock } from '@cidadao/contracts'
import { expect, it } from 'vitest'
import { apiRoutes } from '../src/api/api-routes.ts'
import { stubApi } from './support/stub-api.ts'
import { describedClient } from './support/described-client.ts'
import { serveHouse } from './support/test-house.ts'

it('the OpenAPI document has every route, with who may call it, and the server answers each of them', async () => {
  const { client } = await serveHouse()
  const api = await describedClient(client)
  expect(api.document.openapi).toBe('3.1.0')
  const parts = { investigations: stubApi({}), health: {}, metrics: {}, events: { clock: new TestClock() } } as never
  const routes = apiRoutes(parts)
  const described = Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  expect(described.toSorted()).toEqual(routes.map(({ method, path }) => `${method.toLowerCase()} ${path}`).toSorted())
  for (const { method, path, access } of routes) {
    const response = await api.fetch(path.replace('{id}', 'none'), { method, key: null })
    expect([path, response.status === 401]).toEqual([path, access !== 'anyone'])
  }
})
