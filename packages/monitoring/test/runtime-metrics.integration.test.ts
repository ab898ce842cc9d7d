import { setImmediate, setTimeout } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMetrics } from '../src/metrics/create-metrics.ts'
import type { Metrics } from '../src/metrics/metrics.ts'
import { createRuntimeMetrics } from '../src/metrics/runtime-metrics.ts'

async function started(): Promise<Metrics> {
  const metrics = createMetrics()
  const service = createRuntimeMetrics(metrics, { build: { version: '1', revision: 'r' } })
  await service.start()
  onTestFinished(() => service.stop())
  return metrics
}

async function read(metrics: Metrics, name: string): Promise<number> {
  const samples = (await metrics.snapshot()).flatMap((metric) => metric.samples)
  return samples.filter((sample) => sample.name === name).reduce((sum, sample) => sum + sample.value, 0)
}

function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** Waits for an effect of the event loop itself, with the test's own time limit as the bound. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(5)
}

describe('runtime metrics', () => {
  it('see a block of the event loop, for every reader and not only for the first', async () => {
    const metrics = await started()
    await setTimeout(50)
    block(200)
    await eventually(async () => (await read(metrics, 'nodejs_eventloop_delay_max_seconds')) > 0.15)
    await setImmediate()
    expect(await read(metrics, 'nodejs_eventloop_delay_max_seconds')).toBeGreaterThan(0.15)
  })

  it('count the time of the event loop in both of its states', async () => {
    const metrics = await started()
    const before = await read(metrics, 'nodejs_eventloop_time_seconds_total')
    block(50)
    await setTimeout(50)
    expect(await read(metrics, 'nodejs_eventloop_time_seconds_total')).toBeGreaterThan(before + 0.08)
  })

  it('count every garbage collection', async () => {
    const metrics = await started()
    let kept: unknown[] = []
    await eventually(async () => {
      for (let index = 0; index < 200; index++) kept.push(new Array(10_000).fill(index))
      kept = kept.slice(-10)
      return (await read(metrics, 'nodejs_gc_duration_seconds_count')) > 3
    })
    expect(await read(metrics, 'nodejs_gc_duration_seconds_count')).toBeGreaterThan(3)
  })

  it('tell CPU time, memory and descriptors of this very process', async () => {
    const metrics = await started()
    block(20)
    expect(await read(metrics, 'process_cpu_seconds_total')).toBeCloseTo(process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6, 0)
    expect(await read(metrics, 'process_resident_memory_bytes')).toBeGreaterThan(20_000_000)
    expect(await read(metrics, 'process_start_time_seconds')).toBeCloseTo(Date.now() / 1_000 - process.uptime(), -1)
    expect(await read(metrics, 'nodejs_heap_size_used_bytes')).toBeLessThan(await read(metrics, 'process_resident_memory_bytes'))
  })
})
