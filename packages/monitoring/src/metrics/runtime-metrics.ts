import { readdirSync } from 'node:fs'
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { defineService, serviceGroup, systemClock, type Clock, type Service } from '@cidadao/contracts'
import { GC_BUCKETS } from './buckets.ts'
import { EventLoopMonitor } from './event-loop.ts'
import type { Counter, Metrics } from './metrics.ts'

export interface RuntimeMetricsOptions {
  /** What runs, for `build_info`. */
  readonly build: { readonly version: string; readonly revision: string }
  /** @default systemClock */
  readonly clock?: Clock
}

const MS_PER_SECOND = 1_000

/**
 * `build_info`, `process_*` and `nodejs_*`. The values are there from the start; the service watches what has to be
 * watched between two readings, the event loop and the garbage collector.
 *
 * Not the client's own collection: three of its gauges end in `_total`, which promtool refuses; its event-loop maximum
 * is reset by whoever reads first; of several garbage collections at once it counts the first; and it cannot be stopped.
 */
export function createRuntimeMetrics(metrics: Metrics, options: RuntimeMetricsOptions): Service {
  const loop = new EventLoopMonitor(options.clock ?? systemClock)
  declareBuildInfo(metrics, options.build)
  declareProcess(metrics)
  declareEventLoop(metrics, loop)
  return serviceGroup([loop, watchGarbageCollection(metrics)], 'runtime-metrics')
}

function declareBuildInfo(metrics: Metrics, { version, revision }: RuntimeMetricsOptions['build']): void {
  const info = metrics.gauge({
    name: 'build_info',
    help: 'Always 1; the labels say what runs.',
    labels: { version: { limit: 1 }, revision: { limit: 1 }, node_version: { limit: 1 } },
  })
  info.set(1, { version, revision, node_version: process.versions.node })
}

function declareProcess(metrics: Metrics): void {
  const cpu = growing(metrics.counter({ name: 'process_cpu_seconds_total', help: 'User and system CPU time of the process.' }))
  const start = metrics.gauge({ name: 'process_start_time_seconds', help: 'When the process started, in Unix time.' })
  const resident = metrics.gauge({ name: 'process_resident_memory_bytes', help: 'Memory of the process that is in RAM.' })
  const heapUsed = metrics.gauge({ name: 'nodejs_heap_size_used_bytes', help: 'JavaScript heap in use.' })
  const heapTotal = metrics.gauge({ name: 'nodejs_heap_size_total_bytes', help: 'JavaScript heap taken from the system.' })
  const external = metrics.gauge({ name: 'nodejs_external_memory_bytes', help: 'Memory of buffers and native objects outside the heap.' })
  const resources = metrics.gauge({ name: 'nodejs_active_resources', help: 'Handles and requests that keep the event loop alive.' })
  start.set(Math.round(Date.now() / MS_PER_SECOND - process.uptime()))
  metrics.onCollect(() => {
    const { user, system } = process.cpuUsage()
    cpu((user + system) / 1e6)
    const memory = process.memoryUsage()
    resident.set(memory.rss)
    heapUsed.set(memory.heapUsed)
    heapTotal.set(memory.heapTotal)
    external.set(memory.external)
    resources.set(process.getActiveResourcesInfo().length)
  })
  if (process.platform === 'linux') declareFileDescriptors(metrics)
}

function declareFileDescriptors(metrics: Metrics): void {
  const open = metrics.gauge({ name: 'process_open_fds', help: 'File descriptors that are open.' })
  // One of them is the directory being read.
  metrics.onCollect(() => open.set(readdirSync('/proc/self/fd').length - 1))
}

function declareEventLoop(metrics: Metrics, loop: EventLoopMonitor): void {
  const time = metrics.counter({
    name: 'nodejs_eventloop_time_seconds_total',
    help: 'Time the event loop spent in each state; the rate of active is its utilisation over any window.',
    labels: { state: ['active', 'idle'] },
  })
  const utilization = metrics.gauge({
    name: 'nodejs_eventloop_utilization_ratio',
    help: 'Busy part of the event loop in the last completed 10 seconds.',
  })
  const maxDelay = metrics.gauge({
    name: 'nodejs_eventloop_delay_max_seconds',
    help: 'Longest time the event loop was blocked in the last minute.',
  })
  const active = growing({ add: (value) => time.add(value, { state: 'active' }) })
  const idle = growing({ add: (value) => time.add(value, { state: 'idle' }) })
  metrics.onCollect(() => {
    const reading = loop.read()
    active(reading.activeMs / MS_PER_SECOND)
    idle(reading.idleMs / MS_PER_SECOND)
    utilization.set(reading.utilization)
    maxDelay.set(reading.maxDelayMs / MS_PER_SECOND)
  })
}

const GC_KINDS = ['minor', 'major', 'incremental', 'weakcb'] as const
type GcKind = (typeof GC_KINDS)[number]

function watchGarbageCollection(metrics: Metrics): Service {
  const duration = metrics.histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Duration of garbage collections.',
    labels: { kind: GC_KINDS },
    buckets: GC_BUCKETS,
  })
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) duration.observe(entry.duration / MS_PER_SECOND, { kind: toGcKind(entry) })
  })
  return defineService({
    name: 'gc-observer',
    start: async () => observer.observe({ entryTypes: ['gc'] }),
    stop: async () => observer.disconnect(),
  })
}

function toGcKind(entry: PerformanceEntry): GcKind {
  // Entries of type gc carry their kind in `detail`, which the general type leaves open.
  const { kind } = ('detail' in entry ? entry.detail : {}) as { readonly kind?: number }
  if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) return 'major'
  if (kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) return 'incremental'
  return kind === constants.NODE_PERFORMANCE_GC_WEAKCB ? 'weakcb' : 'minor'
}

/** Adds what a total that is read elsewhere has grown by. */
function growing(counter: Pick<Counter, 'add'>): (total: number) => void {
  let last = 0
  return (total) => {
    if (total <= last) return
    counter.add(total - last)
    last = total
  }
}
