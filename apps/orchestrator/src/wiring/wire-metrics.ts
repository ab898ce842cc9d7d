import type { AgentPool, RunOutcome as PoolOutcome } from '@cidadao/agent-pool'
import type { Cache, CacheOperation } from '@cidadao/cache'
import { systemClock, type EventSource, type JsonValue } from '@cidadao/contracts'
import type { Database, OutboxRelay } from '@cidadao/db'
import type { Catalogue, Metrics, Telemetry } from '@cidadao/monitoring'
import type { Finding } from '@cidadao/procurement'
import type { AuditTrust, OpenedAuditTrust } from '../audit/audit-trust.ts'
import type { EngineEvents } from '../engine/execution-engine.ts'
import { RollingPeak } from './rolling-peak.ts'
import { wireZeros } from './wire-zeros.ts'

interface Measured {
  readonly db: Database
  readonly cache: Cache
  readonly pool: AgentPool
  readonly engine: { readonly events: EventSource<EngineEvents> }
  readonly relay: Pick<OutboxRelay, 'stats'>
  readonly audit: Pick<AuditTrust, 'stats'>
}

const POOL = { pool: 'main' } as const

/** Turns the packages' events into metrics. The only place that knows both. */
export function wireMetrics({ metrics, catalogue }: { readonly metrics: Metrics; readonly catalogue: Catalogue }, house: Measured): void {
  wireDatabase(catalogue, house.db, metrics)
  wireCache(catalogue, house.cache, metrics)
  wirePool(catalogue, house.pool, metrics)
  wireZeros(catalogue, house.pool)
  wireOutbox(catalogue, house.relay, metrics)
  wireAuditGauges(catalogue, house.audit, metrics)
  house.engine.events.on('run-ended', ({ outcome, durationMs, results }) => {
    catalogue.investigations.duration.observe(durationMs / 1_000, { status: outcome.status })
    for (const rule of indicatingRules(results)) catalogue.investigations.anomalies.add(1, { rule })
  })
}

/** Rules whose finding says that something deserves a look. Results of other plans than ours may have no findings. */
function indicatingRules(results: JsonValue | undefined): readonly string[] {
  const { findings = [] } = (results ?? {}) as { readonly findings?: readonly Partial<Finding>[] }
  return findings.flatMap(({ rule, outcome }) => (outcome === 'indication' && rule !== undefined ? [rule] : []))
}

function wireDatabase({ db, investigations, resilience, audit }: Catalogue, database: Database, metrics: Metrics): void {
  const { events } = database
  events.on('query', ({ operation, durationMs, code }) => {
    const [verb = 'other'] = operation.split(/[._-]/)
    const labels = {
      db_system_name: 'postgresql',
      db_operation_name: verb,
      db_query_summary: operation,
      error_type: code ?? 'none',
    } as const
    db.operationDuration.observe(durationMs / 1_000, labels)
  })
  const used = new RollingPeak(systemClock)
  events.on('acquire', ({ waitMs }) => {
    db.connectionWaitTime.observe(waitMs / 1_000, POOL)
    const { total, idle } = database.stats()
    used.note(total - idle)
  })
  events.on('release', ({ useMs }) => db.connectionUseTime.observe(useMs / 1_000, POOL))
  events.on('pool-timeout', () => db.connectionTimeouts.add(1, POOL))
  events.on('audited', ({ entries }) => audit.entries.add(entries))
  events.on('retry', () => resilience.retries.add(1, { operation: 'db', outcome: 'failure' }))
  events.on('breaker', ({ state }) => resilience.breakerState.set(state, { name: 'db' }))
  events.on('transition', ({ from, to }) => investigations.transitions.add(1, { from: from ?? 'none', to }))
  resilience.breakerState.set('closed', { name: 'db' })
  metrics.onCollect(() => {
    const { total, idle, waiting, max } = database.stats()
    db.connections.set(idle, { ...POOL, state: 'idle' })
    db.connections.set(total - idle, { ...POOL, state: 'used' })
    db.connectionsUsedPeak.set(used.read(total - idle), POOL)
    db.connectionsMax.set(max, POOL)
    db.pendingRequests.set(waiting, POOL)
  })
}

/** The layer names of the metrics are a closed set; a tier that somebody adds under another name counts as redis. */
function layerOf(tier: string): 'memory' | 'redis' | 'postgresql' {
  if (tier === 'postgres') return 'postgresql'
  return tier === 'memory' ? 'memory' : 'redis'
}

const LOOKUP_RESULTS = { hit: 'hit', stale: 'stale', miss: 'miss', unavailable: 'error' } as const

/** What is asked of a tier for callers; probes, leases and other upkeep are not measured. */
const LAYER_OPERATIONS: Partial<Record<CacheOperation, 'get' | 'set' | 'delete' | 'invalidate'>> = {
  read: 'get',
  write: 'set',
  fill: 'set',
  delete: 'delete',
  clear: 'invalidate',
  invalidate: 'invalidate',
}

const EVICTIONS = { capacity: 'capacity', 'too-large': 'too_large' } as const

function wireCache({ cache: metrics }: Catalogue, cache: Cache, registry: Metrics): void {
  cache.on('lookup', ({ namespace, outcome, tier }) => {
    metrics.requests.add(1, { cache_name: namespace, cache_layer: layerOf(tier ?? 'memory'), result: LOOKUP_RESULTS[outcome] })
  })
  cache.on('operation', ({ tier, operation, outcome, durationMs }) => {
    const measured = LAYER_OPERATIONS[operation]
    if (measured === undefined) return
    const labels = { cache_layer: layerOf(tier), operation: measured, outcome: outcome === 'ok' ? 'ok' : 'error' } as const
    metrics.operationDuration.observe(durationMs / 1_000, labels)
  })
  cache.on('join', ({ namespace }) => metrics.stampedeWaits.add(1, { cache_name: namespace }))
  cache.on('evict', ({ reason }) => metrics.evictions.add(1, { cache_layer: 'memory', reason: EVICTIONS[reason] }))
  cache.on('check', ({ namespace, outcome }) => metrics.checks.add(1, { cache_name: namespace, outcome }))
  registry.onCollect(() => {
    const { memory } = cache.stats()
    metrics.entries.set(memory.entries, { cache_name: 'all', cache_layer: 'memory' })
    metrics.size.set(memory.bytes, { cache_name: 'all', cache_layer: 'memory' })
    for (const { name, state } of cache.status().tiers) metrics.layerState.set(state, { cache_layer: layerOf(name) })
  })
}

const TASK_OUTCOMES: Readonly<Record<PoolOutcome, 'ok' | 'error' | 'timeout' | 'cancelled'>> = {
  succeeded: 'ok',
  failed: 'error',
  crashed: 'error',
  refused: 'error',
  'timed-out': 'timeout',
  cancelled: 'cancelled',
  'handed-back': 'cancelled',
}

const CIRCUITS = [
  ['circuitOpened', 'open'],
  ['circuitHalfOpened', 'half-open'],
  ['circuitClosed', 'closed'],
] as const

function wirePool({ agentPool, resilience }: Catalogue, pool: AgentPool, metrics: Metrics): void {
  pool.on('runStarted', ({ agent, queuedMs }) => agentPool.queueWait.observe(queuedMs / 1_000, { type: agent }))
  pool.on('runFinished', ({ agent, outcome, runMs }) => {
    agentPool.taskDuration.observe(runMs / 1_000, { type: agent, outcome: TASK_OUTCOMES[outcome] })
  })
  pool.on('runRejected', ({ agent, code }) => agentPool.rejected.add(1, { type: agent, reason: code }))
  for (const [event, state] of CIRCUITS) pool.on(event, ({ agent }) => resilience.breakerState.set(state, { name: `agent-${agent}` }))
  pool.on('threadCrashed', ({ agent, reason }) => agentPool.restarts.add(1, { type: agent ?? 'none', reason }))
  pool.on('threadKilled', ({ agent }) => agentPool.restarts.add(1, { type: agent ?? 'none', reason: 'killed' }))
  metrics.onCollect(() => {
    for (const { name, running, slots, queued } of pool.stats().agents) {
      agentPool.agents.set(running, { type: name, state: 'busy' })
      agentPool.agents.set(slots - running, { type: name, state: 'idle' })
      agentPool.queueDepth.set(queued, { type: name, priority: 'all' })
    }
  })
}

function wireOutbox({ db }: Catalogue, relay: Pick<OutboxRelay, 'stats'>, metrics: Metrics): void {
  metrics.onCollect(() => {
    const { lag } = relay.stats()
    if (lag === null) return
    db.outboxMessages.set(lag.messages, { state: 'waiting' })
    db.outboxMessages.set(lag.refused, { state: 'refused' })
    db.outboxOldest.set(lag.oldestMs / 1_000)
  })
}

/** Without a key there are no checkpoints, and no gauges that would look like good ones. */
function wireAuditGauges({ audit }: Catalogue, trust: Pick<AuditTrust, 'stats'>, metrics: Metrics): void {
  metrics.onCollect(() => {
    const { checkpoints } = trust.stats()
    if (checkpoints === null) return
    audit.unanchored.set(checkpoints.unanchoredEntries)
    audit.oldestUnanchored.set(checkpoints.oldestUnanchoredMs / 1_000)
    audit.signedEntries.set(checkpoints.signed?.size ?? 0)
    audit.historyBroken.set(checkpoints.condition.state === 'history-broken' ? 1 : 0)
    for (const { name, size } of checkpoints.anchors) audit.anchorEntries.set(size, { anchor: name })
  })
}

/** The events of one start; the next one has others. */
export function wireAudit({ logger, catalogue: { audit } }: Pick<Telemetry, 'logger' | 'catalogue'>, opened: OpenedAuditTrust): void {
  const { checkpointer, watch } = opened
  checkpointer?.events.on('signed', ({ size, entries }) => logger.debug('audit checkpoint signed', { size, entries }))
  checkpointer?.events.on('anchor-failed', ({ anchor }) => audit.anchorFailures.add(1, { anchor }))
  watch.events.on('verified', ({ mode, checked }) => {
    audit.verified.set(systemClock.now().getTime() / 1_000, { mode })
    logger.debug('audit log verified', { mode, checked })
  })
  watch.events.on('fault', ({ kind }) => audit.verifyFailures.add(1, { kind }))
}
