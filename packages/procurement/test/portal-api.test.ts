import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { createPortalApiClient, formatMoney, type ContractFacts, type PortalApiOptions } from '../src/index.ts'
import { RequestPace } from '../src/portal-api/request-pace.ts'
import { date } from './support/portal-file.ts'

const KEY = 's3cret-key'

const answerOf = (number: string, value = '1234.56'): string =>
  `{"id":1,"numero":"${number}","fundamentoLegal":"","modalidadeCompra":"Pregão","dataAssinatura":"2024-01-10","dataPublicacaoDOU":"2024-01-12",
  "unidadeGestora":{"codigo":"254450","nome":"UNIDADE","orgaoVinculado":{"codigoSIAFI":"36201","nome":"Fundação"},"orgaoMaximo":{"codigo":"36000","nome":"Ministério da Saúde"}},
  "fornecedor":{"cnpjFormatado":"11.444.777/0001-61","cpfFormatado":"","nome":"MARIA 111.444.777-35"},"valorInicialCompra":${value},"valorFinalCompra":0}`

interface Portal extends AsyncDisposable {
  readonly questions: readonly string[]
  read(options?: Partial<PortalApiOptions>): Promise<readonly ContractFacts[]>
}

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void

/** A server that answers as the Portal's API is documented to. */
async function portal(answer: Answer): Promise<Portal> {
  const questions: string[] = []
  const server = createServer((request, response) => {
    questions.push(request.url ?? '')
    answer(request, response, questions.length)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    questions,
    read: async (options) => {
      const limits = { dayRequestsPerMinute: 1_000_000, nightRequestsPerMinute: 1_000_000, retryDelayMs: 1 }
      const client = createPortalApiClient({ apiKey: KEY, baseUrl, ...limits, ...options })
      const contracts: ContractFacts[] = []
      for await (const one of client.contracts({ organCode: '36000', from: date('2024-01-01'), to: date('2024-01-31') }))
        contracts.push(one)
      return contracts
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Moves time on until something is done, giving the network its turn in between. */
async function settled(work: Promise<unknown>, step: () => Promise<void>): Promise<void> {
  const state = { done: false }
  const finished = work.finally(() => (state.done = true))
  while (!state.done) {
    await step()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await finished
}

const pages: Answer = (request, response) => {
  const page = new URL(request.url ?? '', 'http://x').searchParams.get('pagina')
  if (request.headers['chave-api-dados'] !== KEY) response.writeHead(401).end()
  else
    response.end(
      page === '1'
        ? `[${answerOf('1')},${answerOf('2', '90071992547409.9301')},${answerOf('2e', '5.552584E9')}]`
        : page === '2'
          ? `[${answerOf('3')}]`
          : '[]',
    )
}

describe("the Portal's API", () => {
  it('is asked page by page, with the key in a header, and gives contracts with exact amounts and masked CPFs', async () => {
    await using server = await portal(pages)
    const contracts = await server.read()
    expect(contracts.map(({ number, initialValue }) => [number, formatMoney(initialValue)])).toEqual([
      ['1', '1234.56'],
      ['2', '90071992547409.9301'],
      ['2e', '5552584000.00'],
      ['3', '1234.56'],
    ])
    expect(contracts[0]).toMatchObject({
      superiorOrgan: { code: '36000', name: 'Ministério da Saúde' },
      organ: { code: '36201' },
      unit: { code: '254450' },
      supplier: { kind: 'cnpj', code: '11444777000161', name: 'MARIA ***.444.777-**' },
      signedOn: date('2024-01-10'),
      publishedOn: date('2024-01-12'),
    })
    expect(server.questions[0]).toBe(
      '/api-de-dados/contratos?codigoOrgao=36000&dataInicial=01%2F01%2F2024&dataFinal=31%2F01%2F2024&pagina=1',
    )
    expect(server.questions).toHaveLength(3)
  })

  it('is asked again after 429, 5xx and a broken connection', async () => {
    await using server = await portal((request, response, count) => {
      if (count === 1) response.writeHead(429, { 'retry-after': '0' }).end()
      else if (count === 2) response.writeHead(503).end()
      else if (count === 3) response.destroy()
      else pages(request, response, count)
    })
    expect(await server.read()).toHaveLength(4)
    expect(server.questions).toHaveLength(6)
  })

  it('waits as long as Retry-After asks, and not the own delay', async () => {
    const clock = new TestClock()
    const start = clock.monotonicMs()
    const answeredAt: number[] = []
    await using server = await portal((request, response, count) => {
      answeredAt.push(clock.monotonicMs() - start)
      if (count === 1) response.writeHead(429, { 'retry-after': '7' }).end()
      else pages(request, response, count)
    })
    await settled(server.read({ clock }), () => clock.advance(100))
    expect((answeredAt[1] ?? 0) - (answeredAt[0] ?? 0)).toBeGreaterThanOrEqual(7_000)
  })

  it('gives up after all attempts, and at once where repeating does not help', async () => {
    await using down = await portal((_request, response) => response.writeHead(500).end())
    await expect(down.read({ maxAttempts: 3 })).rejects.toMatchObject({ code: 'PROCUREMENT_PORTAL_UNAVAILABLE', facts: { status: 500 } })
    expect(down.questions).toHaveLength(3)
    await using wrong = await portal((_request, response) => response.writeHead(400).end())
    await expect(wrong.read()).rejects.toMatchObject({ code: 'PROCUREMENT_PORTAL_UNAVAILABLE', facts: { status: 400 } })
    expect(wrong.questions).toHaveLength(1)
  })

  it('a refused key is an error of its own, and the key is in no error', async () => {
    await using server = await portal(pages)
    const thrown = await server.read({ apiKey: 'another-s3cret' }).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'PROCUREMENT_PORTAL_KEY_REFUSED', facts: { status: 401 } })
    expect(server.questions).toHaveLength(1)
    const unreachable = await server.read({ baseUrl: 'http://127.0.0.1:1', maxAttempts: 1 }).catch((error: unknown) => error)
    expect(unreachable).toMatchObject({ code: 'PROCUREMENT_PORTAL_UNAVAILABLE' })
    expect(() => createPortalApiClient({ apiKey: 's3cret\n' })).toThrow('apiKey must be printable and not empty')
    expect(`${String(thrown)}${JSON.stringify(thrown)}${String(unreachable)}${JSON.stringify(unreachable)}`).not.toContain('s3cret')
  })

  it('follows no redirection, which would carry the key elsewhere', async () => {
    await using server = await portal((_request, response) => response.writeHead(302, { location: '/elsewhere' }).end())
    await expect(server.read({ maxAttempts: 1 })).rejects.toMatchObject({ code: 'PROCUREMENT_PORTAL_UNAVAILABLE' })
    expect(server.questions).toHaveLength(1)
  })

  it.each(['<html>', '{"erro":"x"}', '[1]', '[{"unidadeGestora":null}]', `[${answerOf('1', '"abc"')}]`])(
    'an answer such as %s is not guessed from',
    async (body) => {
      await using server = await portal((_request, response) => response.end(body))
      await expect(server.read()).rejects.toMatchObject({ code: 'PROCUREMENT_PORTAL_RESPONSE', facts: { page: 1 } })
    },
  )

  it('is not asked twice for what the cache has, and its errors are not kept', async () => {
    const kept = new Map<string, string>()
    const cache = {
      getOrLoad: async (key: string, load: () => Promise<string>): Promise<string> => {
        const text = kept.get(key) ?? (await load())
        kept.set(key, text)
        return text
      },
    }
    await using server = await portal((request, response, count) => {
      if (count === 1) response.writeHead(400).end()
      else pages(request, response, count)
    })
    await expect(server.read({ cache })).rejects.toMatchObject({ code: 'PROCUREMENT_PORTAL_UNAVAILABLE' })
    expect(await server.read({ cache })).toHaveLength(4)
    expect(await server.read({ cache })).toHaveLength(4)
    expect(server.questions).toHaveLength(4)
    expect(JSON.stringify([...kept.keys()])).not.toContain('s3cret')
  })

  it('ends at the deadline, and at a bound of pages', async () => {
    const clock = new TestClock()
    await using silent = await portal(() => void clock.advance(2_000))
    await expect(silent.read({ clock, deadlineMs: 2_000 })).rejects.toThrow('did not give all pages within deadlineMs = 2000')
    await using endless = await portal((_request, response) => response.end(`[${answerOf('1')}]`))
    await expect(endless.read({ maxPages: 3 })).rejects.toThrow('more than maxPages = 3 pages')
  })
})

describe('the pace of requests', () => {
  const waits = async (at: string): Promise<number> => {
    const clock = new TestClock(new Date(at))
    const pace = new RequestPace({ clock, dayRequestsPerMinute: 90, nightRequestsPerMinute: 300 })
    const start = clock.monotonicMs()
    await pace.wait(new AbortController().signal)
    await settled(pace.wait(new AbortController().signal), () => clock.advance(1))
    return clock.monotonicMs() - start
  }

  it('is 90 a minute by day and 300 at night, by the hour of Brasília', async () => {
    expect(await waits('2024-01-10T08:59:00Z')).toBeLessThan(220)
    expect(await waits('2024-01-10T09:00:00Z')).toBeGreaterThan(650)
    expect(await waits('2024-01-10T02:59:00Z')).toBeGreaterThan(650)
    expect(await waits('2024-01-10T03:00:00Z')).toBeLessThan(220)
  })
})
