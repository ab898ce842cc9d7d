/**
 * What an observation costs through the port, against the bare client, and what reading health and writing a log line
 * cost. Run: node --conditions=@cidadao/source bench/observe.bench.ts [--json]
 */
import { Counter, Histogram, Registry } from '@prometheus-io/client'
import { boundRow, ratioRow, reportBench } from '@cidadao/workspace/bench-report'
import { pino } from 'pino'
import { createHealthRegistry } from '../src/health/health-registry.ts'
import { createLogger } from '../src/logging/create-logger.ts'
import { createMetrics } from '../src/metrics/create-metrics.ts'
import { DATABASE_BUCKETS } from '../src/metrics/buckets.ts'

interface Result {
  readonly name: string
  readonly nsPerCall: number
  /** Against the bare library, where there is one. */
  readonly ratio: number | null
}

const ROUNDS = 7
const CALLS = 200_000
const SCRAPE_GOAL_MS = 250

/** The best of several rounds: what the code costs, without what else the machine did. */
function measure(call: (index: number) => void, calls = CALLS): number {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    for (let index = 0; index < calls; index++) call(index)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls)
  }
  return best
}

const NAMES = Array.from({ length: 16 }, (_, index) => `cache-${index}`)
const LAYERS = ['memory', 'redis', 'postgresql'] as const
const RESULTS = ['hit', 'miss', 'stale', 'error'] as const
const labelsOf = (index: number) => ({
  cache_name: NAMES[index % 16] ?? '',
  cache_layer: LAYERS[index % 3] ?? 'memory',
  result: RESULTS[index % 4] ?? 'hit',
})

function benchCounters(): Result[] {
  const labelNames = ['cache_name', 'cache_layer', 'result']
  const bare = new Counter({ name: 'bare_total', help: 'Bare.', labelNames, registers: [new Registry()] })
  const guarded = createMetrics().counter({
    name: 'guarded_total',
    help: 'Guarded.',
    labels: { cache_name: { limit: 64 }, cache_layer: LAYERS, result: RESULTS },
  })
  const bareNs = measure((index) => bare.inc(labelsOf(index), 1))
  const portNs = measure((index) => guarded.add(1, labelsOf(index)))
  const overflowNs = measure((index) => guarded.add(1, { ...labelsOf(index), cache_name: `hostile-${index}` }))
  return [
    { name: 'counter, 3 labels: bare client', nsPerCall: bareNs, ratio: 1 },
    { name: 'counter, 3 labels: port', nsPerCall: portNs, ratio: portNs / bareNs },
    { name: 'counter, 3 labels: port, value over the limit', nsPerCall: overflowNs, ratio: overflowNs / bareNs },
  ]
}

function benchHistograms(): Result[] {
  const labelNames = ['operation', 'summary']
  const bare = new Histogram({
    name: 'bare_seconds',
    help: 'Bare.',
    labelNames,
    buckets: [...DATABASE_BUCKETS],
    registers: [new Registry()],
  })
  const guarded = createMetrics().histogram({
    name: 'guarded_seconds',
    help: 'Guarded.',
    labels: { operation: { limit: 16 }, summary: { limit: 64 } },
    buckets: DATABASE_BUCKETS,
  })
  const labels = (index: number) => ({ operation: 'SELECT', summary: NAMES[index % 16] ?? '' })
  const bareNs = measure((index) => bare.observe(labels(index), (index % 100) / 1_000))
  const portNs = measure((index) => guarded.observe((index % 100) / 1_000, labels(index)))
  return [
    { name: 'histogram, 2 labels: bare client', nsPerCall: bareNs, ratio: 1 },
    { name: 'histogram, 2 labels: port', nsPerCall: portNs, ratio: portNs / bareNs },
  ]
}

async function benchHealth(): Promise<Result[]> {
  const health = createHealthRegistry({ readiness: ['check-0'] })
  for (let index = 0; index < 10; index++) {
    health.register({ name: `check-${index}`, critical: true, timeoutMs: 100, check: () => ({ status: 'pass', observedValue: index }) })
  }
  await health.start()
  await health.sampled()
  const readers: [string, () => unknown][] = [
    ['livez', () => health.livez()],
    ['readyz', () => health.readyz()],
    ['report none', () => health.report({ details: 'none' })],
    ['report full', () => health.report({ details: 'full' })],
  ]
  const results = readers.map(([name, read]) => ({ name: `health, 10 checks: ${name}`, nsPerCall: measure(read, 20_000), ratio: null }))
  await health.stop()
  return results
}

function benchLogger(): Result[] {
  const logger = createLogger({ destination: { write: () => {} }, format: 'json' }).child({ investigation_id: 'inv_001' })
  const bare = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: () => {} }).child({ investigation_id: 'inv_001' })
  const fields = { rule: 'benford-first', contracts: 419, source: 'portal', password: 'x' }
  const bareNs = measure(() => bare.info(fields, 'step done'), 20_000)
  const ownNs = measure(() => logger.info('step done', fields), 20_000)
  return [
    { name: 'log line, 5 fields: bare pino', nsPerCall: bareNs, ratio: 1 },
    { name: 'log line, 5 fields: redacted', nsPerCall: ownNs, ratio: ownNs / bareNs },
  ]
}

/** What Prometheus waits for at each scrape: all series as text. */
async function benchScrape(): Promise<readonly ReturnType<typeof boundRow>[]> {
  const metrics = createMetrics()
  const counter = metrics.counter({
    name: 'many_total',
    help: 'Many.',
    labels: { a: { limit: 100 }, b: { limit: 100 } },
    maxSeries: 10_000,
  })
  for (let index = 0; index < 10_000; index++) counter.add(1, { a: `a${index % 100}`, b: `b${Math.floor(index / 100)}` })
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    await metrics.expose()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6)
  }
  return [boundRow('scrape of 10,000 series', { value: best, unit: 'ms' }, SCRAPE_GOAL_MS)]
}

const results = [...benchCounters(), ...benchHistograms(), ...(await benchHealth()), ...benchLogger()]
reportBench([
  ...results.map(({ name, nsPerCall, ratio }) =>
    ratio === null ? boundRow(name, { value: nsPerCall, unit: 'ns' }) : ratioRow(name, `${nsPerCall.toFixed(0)} ns`, ratio),
  ),
  ...(await benchScrape()),
])
