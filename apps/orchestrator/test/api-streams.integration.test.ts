import { connect } from 'node:net'
import { eventually } from '@cidadao/testing'
import { silentLogger } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import type { EventPageView, InvestigationApi } from '../src/api/api-ports.ts'
import { createHttpServer, type HttpServerOptions } from '../src/api/http-server.ts'
import { InvestigationNotFoundError } from '../src/errors.ts'
import { stubApi } from './support/stub-api.ts'
import { API_KEY, serve } from './support/test-house.ts'

const SOON = { deadlineMs: 20_000 }
const STREAM = { headers: { accept: 'text/event-stream' } }

function open(investigations: Partial<InvestigationApi>, options: Partial<HttpServerOptions> = {}) {
  const base = { host: '127.0.0.1', port: 0, bodyLimitBytes: 10_000, shutdownGraceMs: 20_000, apiKey: API_KEY, eventPollMs: 20 }
  const health = { livez: () => ({ httpStatus: 200, body: { status: 'pass' } }) }
  return serve(
    createHttpServer({ ...base, ...options }, {
      investigations: stubApi(investigations),
      health,
      metrics: {},
      logger: silentLogger,
    } as never),
  )
}

function page(seqs: readonly number[], ended: boolean, padding = ''): EventPageView {
  const items = seqs.map((seq) => ({ seq, type: 'step.completed', at: '2026-01-01T00:00:00.000Z', data: { padding } }))
  return { items, next: seqs.at(-1) ?? 0, ended }
}

describe('a stream of events', () => {
  it('costs one read for many listeners, and wakes all of them at a change', async () => {
    let reads = 0
    let wake: (id: string) => void = () => {}
    let hasEnded = false
    const client = await open(
      {
        onChange: (listener) => {
          wake = listener
          return () => {}
        },
        events: async (_id, _scope, { after }) => {
          reads++
          await new Promise((resolve) => setImmediate(resolve))
          return after === 0 ? page([1], false) : hasEnded && after === 1 ? page([2], true) : { ...page([], hasEnded), next: after }
        },
      },
      { eventPollMs: 600_000 },
    )
    const streams = await Promise.all(Array.from({ length: 20 }, () => client.fetch('/investigations/x/events', STREAM)))
    const texts = streams.map((response) => response.text())
    await eventually(() => expect(reads).toBeGreaterThan(1), SOON)
    hasEnded = true
    // Until the last of them has come to wait.
    const waking = setInterval(() => wake('x'), 20)
    const received = await Promise.all(texts).finally(() => clearInterval(waking))
    for (const text of received) expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => seq)).toEqual(['1', '2'])
  })

  it('says that it is still there, ends when the server stops, and when what it tells of is erased', async () => {
    let isErased = false
    const client = await open(
      { events: async (id) => (isErased ? Promise.reject(new InvestigationNotFoundError(id)) : page([], false)) },
      { heartbeatMs: 1 },
    )
    const read = async () => {
      const response = await client.fetch('/investigations/x/events', STREAM)
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      if (reader === undefined) throw new Error('no body')
      let text = ''
      while (!text.includes(': still here')) text += (await reader.read()).value ?? ''
      return reader
    }
    const [first, second] = [await read(), await read()]
    isErased = true
    const untilEnd = async (reader: typeof first): Promise<void> => {
      while (!(await reader.read()).done);
    }
    // It is cut off or it ends; what counts is that nothing more comes.
    await untilEnd(first).catch(() => {})
    await untilEnd(second).catch(() => {})
    isErased = false
    const third = await read()
    const stopped = client.server.stop()
    await untilEnd(third)
    await expect(stopped).resolves.toBeUndefined()
  })

  it('closes a listener that takes nothing, and reads no more for it than it takes', async () => {
    let reads = 0
    const client = await open(
      {
        events: async (_id, _scope, { after }) => {
          reads++
          return page(
            Array.from({ length: 200 }, (_, index) => after + index + 1),
            false,
            'x'.repeat(1_000),
          )
        },
      },
      { slowReaderMs: 300 },
    )
    const { port, hostname } = new URL(client.url)
    const socket = connect(Number(port), hostname)
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    socket.write(
      `GET /investigations/x/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${API_KEY}\r\naccept: text/event-stream\r\n\r\n`,
    )
    socket.pause()
    await eventually(() => expect(reads).toBeGreaterThan(1), SOON)
    let before = -1
    // It has come to a halt: reading goes on only as quickly as somebody takes.
    await eventually(
      () => {
        const [was, is] = [before, reads]
        before = is
        expect(is).toBe(was)
      },
      { ...SOON, intervalMs: 1_000 },
    )
    expect(reads).toBeLessThan(200)
    socket.resume()
    await closed
  })
})

describe('limits', () => {
  it('answer 429 with the time to wait, by key, and leave the probes alone', async () => {
    const client = await open({ list: async () => ({ items: [], next: null }) }, { requestsPerSecond: 0.001, requestBurst: 2 })
    const statuses: number[] = []
    for (let round = 0; round < 3; round++) statuses.push((await client.fetch('/investigations')).status)
    expect(statuses).toEqual([200, 200, 429])
    const refused = await client.fetch('/investigations')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ code: 'API_RATE_LIMITED', status: 429 })
    expect((await client.fetch('/livez', { key: null })).status).toBe(200)
  })

  it('refuse JSON that is nested too deeply', async () => {
    const client = await open({})
    const headers = { 'content-type': 'application/json' }
    const response = await client.fetch('/investigations', { method: 'POST', body: '['.repeat(5_000), headers })
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, 'API_BODY_TOO_DEEP'])
  })
})
