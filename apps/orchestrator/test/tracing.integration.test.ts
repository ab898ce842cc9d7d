import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { eventually } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { House } from '../src/compose.ts'
import { traceOf } from '../src/telemetry/investigation-trace.ts'
import { Tracing } from '../src/telemetry/tracing.ts'
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from './support/otlp-receiver.ts'
import { startHouse } from './support/test-house.ts'

// Whole systems are started here, which takes a while on a machine that does much else.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let source: string
beforeAll(async () => {
  source = await mkdtemp(join(tmpdir(), 'cidadao-traces-'))
  await writeSyntheticPortal(source, { seed: 4, contracts: 60 })
})
afterAll(() => rm(source, { recursive: true, force: true }))

/** Runs one to its end; when the house has stopped, all of its spans have been sent. */
async function investigateAndStop({ orchestrator, engine, stop }: House, query = 'All contracts of 2024'): Promise<string> {
  const { id } = await orchestrator.submit({ query, source })
  await engine.settled(id)
  await stop()
  return id
}

function ancestorsOf(span: ReceivedSpan, spans: readonly ReceivedSpan[]): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId)
  return parent === undefined ? [] : [parent.name, ...ancestorsOf(parent, spans)]
}

const startsWith = (start: string) => expect.stringMatching(new RegExp(`^${start}`)) as string

describe('an investigation with an address for traces', () => {
  let receiver: OtlpReceiver
  let id: string
  let spans: readonly ReceivedSpan[]

  async function trace(): Promise<void> {
    receiver = await startOtlpReceiver()
    const { house } = await startHouse({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20key' })
    id = await investigateAndStop(house)
    spans = receiver.spans.filter(({ traceId }) => traceId === traceOf(id).traceId)
  }

  it('is one trace from its submission through steps and agents to SQL and cache misses', async () => {
    await trace()
    expect(receiver.requests[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-key': 'a key' } })
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === '')
    expect(roots).toMatchObject([{ name: 'submit', traceId: id.replaceAll('-', ''), attributes: { 'cidadao.investigation.id': id } }])
    const steps = spans.filter(({ name }) => name.startsWith('step '))
    const agents = spans.filter(({ name }) => name.startsWith('agent '))
    expect(steps.length).toBeGreaterThan(3)
    expect(agents).toHaveLength(steps.length)
    for (const step of steps) expect(ancestorsOf(step, spans)).toEqual(['submit'])
    for (const agent of agents) expect(ancestorsOf(agent, spans)).toEqual([agent.name.replace('agent', 'step'), 'submit'])
    const within = (name: string): string[][] => spans.filter((span) => span.name.startsWith(name)).map((span) => ancestorsOf(span, spans))
    // The step's results are stored, and looked for in the cache, within the step.
    expect(within('audit_append')).toContainEqual([startsWith('step '), 'submit'])
    expect(within('cache read')).toContainEqual([startsWith('step '), 'submit'])
    expect(within('cache write')).toContainEqual([startsWith('step '), 'submit'])
    // The submission is stored within itself.
    expect(within('audit_append')).toContainEqual(['submit'])
    expect(spans.find(({ name }) => name === 'investigation')).toMatchObject({
      attributes: { 'cidadao.investigation.status': 'completed' },
      failed: false,
    })
  })

  it('gives spans that begin and end within the ones that they belong to, but for a moment', async () => {
    await trace()
    for (const span of spans) {
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs)
      const parent = spans.find(({ spanId }) => spanId === span.parentSpanId)
      // Steps follow from the submission and outlive it; clocks of different kinds agree to some milliseconds.
      if (parent !== undefined && parent.name !== 'submit') expect(span.startMs).toBeGreaterThan(parent.startMs - 100)
    }
  })

  it('shows no question, no SQL text and no value in any span', async () => {
    receiver = await startOtlpReceiver()
    const { house } = await startHouse({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
    await investigateAndStop(house, 'All contracts of 2024 with the secret word abracadabra')
    expect(receiver.spans.length).toBeGreaterThan(10)
    const sent = Buffer.concat(receiver.requests.map(({ body }) => body)).toString('latin1')
    expect(sent).not.toMatch(/abracadabra|SELECT |INSERT |cidadao-traces-/)
  })
})

describe('traces', () => {
  it('are off by default: no SDK is loaded, no span begins, no line is correlated', async () => {
    const tracing = new Tracing({ config: { serviceName: 'x', sampleRatio: 1 }, version: '1' })
    await tracing.start()
    expect(tracing.enabled).toBe(false)
    expect(tracing.begin('anything')).toBeUndefined()
    expect(await tracing.inSpan('anything', {}, async () => tracing.current())).toBeUndefined()
    await tracing.stop()
  })

  it('that do not reach their collector are counted and said once, and disturb nothing', async () => {
    const receiver = await startOtlpReceiver()
    receiver.status = 400
    const { house } = await startHouse({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
    const { id } = await house.orchestrator.submit({ query: 'All contracts of 2024', source })
    await house.engine.settled(id)
    expect((await house.orchestrator.get(id)).status).toBe('completed')
    await eventually(
      async () => expect((await house.telemetry.metrics.expose()).body).toMatch(/trace_spans_exported_total\{outcome="failed"\} [1-9]/),
      { deadlineMs: 15_000 },
    )
  })

  it('are sampled by the trace alone: none at 0', async () => {
    const receiver = await startOtlpReceiver()
    const { house } = await startHouse({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_SAMPLER_ARG: '0' })
    const id = await investigateAndStop(house)
    expect(id).not.toBe('')
    expect(receiver.spans).toEqual([])
  })

  it('reach exemplars: a duration of a database operation names the trace that it belongs to', async () => {
    const receiver = await startOtlpReceiver()
    const { house } = await startHouse({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
    const { id } = await house.orchestrator.submit({ query: 'All contracts of 2024', source })
    await house.engine.settled(id)
    const { body } = await house.telemetry.metrics.expose('application/openmetrics-text')
    expect(body).toMatch(new RegExp(`db_client_operation_duration_seconds_bucket.*# \\{trace_id="${traceOf(id).traceId}"\\}`))
  })
})

describe('log lines', () => {
  it('within a span carry its trace and span, whoever awaits in between', async () => {
    const receiver = await startOtlpReceiver()
    const tracing = new Tracing({ config: { endpoint: receiver.url, serviceName: 'x', sampleRatio: 1 }, version: '1' })
    await tracing.start()
    const seen = await tracing.inSpan('outer', {}, async () => {
      await Promise.resolve()
      const outer = tracing.current()
      const inner = await tracing.inSpan('inner', {}, async () => tracing.current())
      return { outer, inner, after: tracing.current() }
    })
    expect(seen.inner?.traceId).toBe(seen.outer?.traceId)
    expect(seen.inner?.spanId).not.toBe(seen.outer?.spanId)
    expect(seen.after).toEqual(seen.outer)
    expect(tracing.current()).toBeUndefined()
    await tracing.stop()
    expect(receiver.spans.map(({ name }) => name).toSorted()).toEqual(['inner', 'outer'])
  })
})
