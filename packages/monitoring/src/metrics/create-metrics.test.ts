import { TestClock, type LogFields, type Logger } from '@cidadao/contracts'
import { register } from '@prometheus-io/client'
import { describe, expect, it } from 'vitest'
import { createMetrics } from './create-metrics.ts'
import type { Metrics } from './metrics.ts'

function recordingLogger(): { readonly logger: Logger; readonly lines: { message: string; fields: LogFields | undefined }[] } {
  const lines: { message: string; fields: LogFields | undefined }[] = []
  const record = (message: string, fields?: LogFields): void => void lines.push({ message, fields })
  const logger: Logger = { debug: record, info: record, warn: record, error: record, child: () => logger }
  return { logger, lines }
}

async function valueOf(metrics: Metrics, name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
  const samples = (await metrics.snapshot()).flatMap((metric) => metric.samples)
  return samples.find((sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    ?.value
}

describe('a counter', () => {
  it('starts at 0 for every combination of closed label sets', async () => {
    const metrics = createMetrics()
    metrics.counter({ name: 'lookups_total', help: 'Lookups.', labels: { result: ['hit', 'miss'], layer: ['a', 'b'] } })
    const { body } = await metrics.expose()
    for (const series of ['result="hit",layer="a"', 'result="hit",layer="b"', 'result="miss",layer="a"', 'result="miss",layer="b"']) {
      expect(body).toContain(`lookups_total{${series}} 0\n`)
    }
  })

  it('starts at 0 for the label sets named as known, and only those', async () => {
    const metrics = createMetrics()
    const labels = { from: ['a', 'b'], to: ['a', 'b'] } as const
    metrics.counter({ name: 'moves_total', help: 'Moves.', labels, known: [{ from: 'a', to: 'b' }] })
    const [moves] = (await metrics.snapshot()).filter((metric) => metric.name === 'moves_total')
    expect(moves?.samples).toEqual([{ name: 'moves_total', labels: { from: 'a', to: 'b' }, value: 0 }])
  })

  it.each([-1, NaN, Infinity, -Infinity, undefined as unknown as number, '3' as unknown as number])(
    'is not changed by %s, which is counted as rejected',
    async (value) => {
      const metrics = createMetrics()
      const counter = metrics.counter({ name: 'events_total', help: 'Events.' })
      counter.add(2)
      expect(() => counter.add(value)).not.toThrow()
      expect(await valueOf(metrics, 'events_total')).toBe(2)
      expect(await valueOf(metrics, 'metrics_rejected_total', { metric: 'events_total' })).toBe(1)
    },
  )

  it('loses no increase of a thousand tasks that run at once', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'tasks_total', help: 'Tasks.', labels: { kind: { limit: 4 } } })
    const clock = new TestClock()
    const tasks = Array.from({ length: 1_000 }, async (_, index) => {
      await new Promise<void>((resolve) => clock.schedule(index % 7, resolve))
      counter.add(1, { kind: `k${index % 4}` })
      await Promise.resolve()
      counter.add(0.5, { kind: `k${index % 4}` })
    })
    await clock.advance(10)
    await Promise.all(tasks)
    for (const kind of ['k0', 'k1', 'k2', 'k3']) expect(await valueOf(metrics, 'tasks_total', { kind })).toBe(375)
  })

  it('never goes down, not even by reading it', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'reads_total', help: 'Reads.' })
    const seen: (number | undefined)[] = []
    for (let read = 0; read < 3; read++) {
      counter.add(1)
      await metrics.expose()
      await metrics.expose('application/openmetrics-text')
      seen.push(await valueOf(metrics, 'reads_total'))
    }
    expect(seen).toEqual([1, 2, 3])
  })
})

describe('labels', () => {
  it('put a value outside a closed set under other and count the overflow', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'lookups_total', help: 'Lookups.', labels: { result: ['hit', 'miss'] } })
    counter.add(1, { result: 'banana' as 'hit' })
    expect(await valueOf(metrics, 'lookups_total', { result: 'other' })).toBe(1)
    expect(await valueOf(metrics, 'metrics_overflow_total', { metric: 'lookups_total' })).toBe(1)
  })

  it('put what exceeds a limit under other, and keep counting the values that came first', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'requests_total', help: 'Requests.', labels: { route: { limit: 2 } } })
    for (const route of ['/a', '/b', '/c', '/d', '/a']) counter.add(1, { route })
    expect(await valueOf(metrics, 'requests_total', { route: '/a' })).toBe(2)
    expect(await valueOf(metrics, 'requests_total', { route: 'other' })).toBe(2)
    expect(await valueOf(metrics, 'metrics_overflow_total', { metric: 'requests_total' })).toBe(2)
  })

  it('stay bounded under a hundred thousand hostile values', async () => {
    const metrics = createMetrics()
    const labels = { user: { limit: 50 }, path: { limit: 50 } }
    const counter = metrics.counter({ name: 'requests_total', help: 'Requests.', labels, maxSeries: 100 })
    for (let index = 0; index < 100_000; index++) counter.add(1, { user: `u${index}`, path: `/p/${index * 7}` })
    const [requests] = (await metrics.snapshot()).filter((metric) => metric.name === 'requests_total')
    expect(requests?.samples.length).toBeLessThanOrEqual(101)
    expect(requests?.samples.reduce((sum, sample) => sum + sample.value, 0)).toBe(100_000)
  })

  it('that contain the separator of the client do not meet in one series', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'pairs_total', help: 'Pairs.', labels: { one: { limit: 9 }, two: { limit: 9 } } })
    counter.add(1, { one: 'a|b', two: 'c' })
    counter.add(1, { one: 'a', two: 'b|c' })
    const [pairs] = (await metrics.snapshot()).filter((metric) => metric.name === 'pairs_total')
    expect(pairs?.samples.map((sample) => sample.value)).toEqual([1, 1])
  })

  it('that are missing, empty or far too long land under other instead of throwing', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'requests_total', help: 'Requests.', labels: { route: { limit: 5 } } })
    for (const labels of [{}, { route: '' }, { route: 'x'.repeat(200) }, { route: null }, undefined]) {
      expect(() => counter.add(1, labels as unknown as { route: string })).not.toThrow()
    }
    expect(await valueOf(metrics, 'requests_total', { route: 'other' })).toBe(5)
  })

  it('are copied: changing the object afterwards changes no series', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'requests_total', help: 'Requests.', labels: { route: { limit: 5 } } })
    const labels = { route: '/a' }
    counter.add(1, labels)
    labels.route = '/b'
    expect(await valueOf(metrics, 'requests_total', { route: '/a' })).toBe(1)
    expect(await valueOf(metrics, 'requests_total', { route: '/b' })).toBeUndefined()
  })

  it('of the registry are on every series', async () => {
    const metrics = createMetrics({ defaultLabels: { role: 'worker' } })
    metrics.histogram({ name: 'wait_seconds', help: 'Waits.', buckets: [1] }).observe(0.5)
    const { body } = await metrics.expose()
    expect(body).toContain('wait_seconds_bucket{le="1",role="worker"} 1')
    expect(await valueOf(metrics, 'wait_seconds_count', { role: 'worker' })).toBe(1)
  })
})

describe('a gauge', () => {
  it('shows nothing until it was set, then the last value', async () => {
    const metrics = createMetrics()
    const gauge = metrics.gauge({ name: 'entries', help: 'Entries.' })
    expect(await valueOf(metrics, 'entries')).toBeUndefined()
    gauge.set(5)
    gauge.add(-2)
    expect(await valueOf(metrics, 'entries')).toBe(3)
  })

  it('forgets a label set and gives its place to another', async () => {
    const metrics = createMetrics()
    const gauge = metrics.gauge({ name: 'nodes', help: 'Nodes.', labels: { node: { limit: 1 } } })
    gauge.set(1, { node: 'a' })
    gauge.remove({ node: 'a' })
    gauge.remove({ node: 'never-there' })
    gauge.set(2, { node: 'b' })
    const [nodes] = (await metrics.snapshot()).filter((metric) => metric.name === 'nodes')
    expect(nodes?.samples).toEqual([{ name: 'nodes', labels: { node: 'b' }, value: 2 }])
  })

  it('refuses NaN and keeps its value', async () => {
    const metrics = createMetrics()
    const gauge = metrics.gauge({ name: 'entries', help: 'Entries.' })
    gauge.set(1)
    gauge.set(NaN)
    expect(await valueOf(metrics, 'entries')).toBe(1)
  })
})

describe('a histogram', () => {
  it('counts each observation in its bucket, with sum and count, so that percentiles can be read', async () => {
    const metrics = createMetrics()
    const histogram = metrics.histogram({ name: 'wait_seconds', help: 'Waits.', buckets: [0.1, 1] })
    for (const seconds of [0.05, 0.1, 0.5, 3]) histogram.observe(seconds)
    const { body } = await metrics.expose()
    expect(body).toContain(
      'wait_seconds_bucket{le="0.1"} 2\nwait_seconds_bucket{le="1"} 3\nwait_seconds_bucket{le="+Inf"} 4\nwait_seconds_sum 3.65\nwait_seconds_count 4',
    )
  })

  it('shows an initialised label set at 0 and does not wipe one that has observations', async () => {
    const metrics = createMetrics()
    const histogram = metrics.histogram({ name: 'wait_seconds', help: 'Waits.', buckets: [1], labels: { pool: { limit: 3 } } })
    histogram.init({ pool: 'main' })
    expect(await valueOf(metrics, 'wait_seconds_count', { pool: 'main' })).toBe(0)
    histogram.observe(0.5, { pool: 'main' })
    histogram.init({ pool: 'main' })
    expect(await valueOf(metrics, 'wait_seconds_count', { pool: 'main' })).toBe(1)
  })

  it('refuses a negative duration', async () => {
    const metrics = createMetrics()
    const histogram = metrics.histogram({ name: 'wait_seconds', help: 'Waits.', buckets: [1] })
    histogram.observe(-0.1)
    expect(await valueOf(metrics, 'wait_seconds_count')).toBe(0)
    expect(await valueOf(metrics, 'metrics_rejected_total', { metric: 'wait_seconds' })).toBe(1)
  })

  it('carries the trace of its last observation in OpenMetrics only', async () => {
    const metrics = createMetrics({ exemplar: () => ({ trace_id: 'abc123' }) })
    metrics.histogram({ name: 'wait_seconds', help: 'Waits.', buckets: [1] }).observe(0.5)
    expect((await metrics.expose('application/openmetrics-text')).body).toMatch(
      /wait_seconds_bucket\{le="1"\} 1 # \{trace_id="abc123"\} 0\.5 /,
    )
    expect((await metrics.expose()).body).not.toContain('abc123')
  })

  it('records the observation even when asking for the trace throws', async () => {
    const metrics = createMetrics({
      exemplar: () => {
        throw new Error('no tracer')
      },
    })
    metrics.histogram({ name: 'wait_seconds', help: 'Waits.', buckets: [1] }).observe(0.5)
    expect(await valueOf(metrics, 'wait_seconds_count')).toBe(1)
    expect(await valueOf(metrics, 'metrics_rejected_total', { metric: 'wait_seconds' })).toBe(1)
  })
})

describe('a state set', () => {
  it('has exactly one state at 1', async () => {
    const metrics = createMetrics()
    const breaker = metrics.stateSet({ name: 'breaker_state', help: 'State.', states: ['closed', 'open'], labels: { name: { limit: 3 } } })
    breaker.set('closed', { name: 'db' })
    breaker.set('open', { name: 'db' })
    expect(await valueOf(metrics, 'breaker_state', { name: 'db', state: 'open' })).toBe(1)
    expect(await valueOf(metrics, 'breaker_state', { name: 'db', state: 'closed' })).toBe(0)
  })
})

describe('the registry', () => {
  it('is its own: neither the global one of the client nor that of another instance', async () => {
    const one = createMetrics()
    const two = createMetrics()
    one.counter({ name: 'mine_total', help: 'Mine.' }).add(1)
    two.counter({ name: 'mine_total', help: 'Mine.' })
    expect(await valueOf(two, 'mine_total')).toBe(0)
    expect(register.getMetricsAsArray()).toEqual([])
  })

  it('keeps the names of counters in one format after the other was asked for', async () => {
    const metrics = createMetrics()
    metrics.counter({ name: 'events_total', help: 'Events.' }).add(1)
    const before = await metrics.expose()
    const open = await metrics.expose('application/openmetrics-text; version=1.0.0')
    const after = await metrics.expose()
    expect(before.body).toContain('# TYPE events_total counter\nevents_total 1')
    expect(open.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(open.body).toContain('# TYPE events counter\nevents_total 1')
    expect(open.body.endsWith('# EOF\n')).toBe(true)
    expect(after).toEqual(before)
  })

  it('gives a snapshot that later observations do not change and that cannot be changed', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'events_total', help: 'Events.', labels: { kind: ['a'] } })
    const before = await metrics.snapshot()
    const sample = before.find((metric) => metric.name === 'events_total')?.samples[0]
    counter.add(7, { kind: 'a' })
    expect(sample?.value).toBe(0)
    expect(() => Object.assign(sample?.labels ?? {}, { kind: 'b' })).toThrow(TypeError)
    expect(() => (before as unknown[]).push(1)).toThrow(TypeError)
    expect(await valueOf(metrics, 'events_total', { kind: 'a' })).toBe(7)
  })

  it('asks its collectors before each exposition, and survives one that throws', async () => {
    const { logger, lines } = recordingLogger()
    const metrics = createMetrics({ logger })
    const gauge = metrics.gauge({ name: 'entries', help: 'Entries.' })
    let entries = 1
    metrics.onCollect(() => {
      throw new Error('pool is gone')
    })
    const stop = metrics.onCollect(() => gauge.set(entries))
    expect((await metrics.expose()).body).toContain('\nentries 1\n')
    entries = 2
    stop()
    expect((await metrics.expose()).body).toContain('\nentries 1\n')
    expect(await valueOf(metrics, 'metrics_rejected_total', { metric: 'collector' })).toBe(3)
    expect(lines).toHaveLength(1)
  })

  it('logs the first observation of a metric that could not be recorded, and only that', () => {
    const { logger, lines } = recordingLogger()
    const counter = createMetrics({ logger }).counter({ name: 'events_total', help: 'Events.' })
    counter.add(-1)
    counter.add(-1)
    expect(lines.map((line) => line.fields?.metric)).toEqual(['events_total'])
  })

  it('describes what it has', () => {
    const metrics = createMetrics()
    metrics.gauge({ name: 'entries', help: 'Entries.', labels: { layer: ['a'] } })
    expect(metrics.describe()).toContainEqual({ name: 'entries', type: 'gauge', help: 'Entries.', labels: ['layer'] })
  })
})
