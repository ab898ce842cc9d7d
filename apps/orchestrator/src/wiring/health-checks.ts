import type { AgentPool } from '@cidadao/agent-pool'
import type { Cache } from '@cidadao/cache'
import type { RedisConnection } from '@cidadao/cache/redis'
import { defineService, type Service } from '@cidadao/contracts'
import type { Database, OutboxRelay } from '@cidadao/db'
import type { HealthContributor, HealthPart, HealthRegistry } from '@cidadao/monitoring'
import type { AuditTrust } from '../audit/audit-trust.ts'
import { auditLog } from './audit-health.ts'
import { databasePool } from './pool-health.ts'
import { redisNodes } from './redis-health.ts'

interface Watched {
  readonly db: Database
  /** With a connection of its own, so that looking takes none from those who work. */
  readonly probe: Pick<Database, 'ping'>
  readonly keyPrefix: string
  readonly cache: Cache
  readonly pool: AgentPool
  readonly redis: RedisConnection | undefined
  readonly relay: Pick<OutboxRelay, 'stats'>
  readonly audit: Pick<AuditTrust, 'stats'>
}

/**
 * Tells the health registry what to look at, between start and stop: the last to start and the first to stop, since a
 * part that is not up yet is not ill.
 */
export function healthChecks(health: HealthRegistry, watched: Watched, timeoutMs: number): Service {
  const registered: (() => void)[] = []
  return defineService({
    name: 'health-checks',
    start: async () => void registered.push(...contributors(watched, timeoutMs).map((contributor) => health.register(contributor))),
    stop: async () => {
      for (const unregister of registered.splice(0)) unregister()
    },
  })
}

function contributors({ db, probe, keyPrefix, cache, pool, redis, relay, audit }: Watched, timeoutMs: number): HealthContributor[] {
  const checks = [
    postgresql(db, probe, timeoutMs),
    databasePool(db, timeoutMs),
    agentPool(pool, timeoutMs),
    cacheTiers(cache, timeoutMs),
    outbox(relay, timeoutMs),
    auditLog(audit, timeoutMs),
  ]
  return redis === undefined ? checks : [...checks, redisNodes(redis, timeoutMs, keyPrefix)]
}

function postgresql(db: Database, probe: Watched['probe'], timeoutMs: number): HealthContributor {
  return {
    name: 'postgresql',
    critical: true,
    timeoutMs,
    check: async (signal) => {
      const { latencyMs, role } = await probe.ping(signal)
      const { total, idle, waiting } = db.stats()
      const parts: HealthPart[] = [
        { name: 'connections', status: 'pass', observedValue: total, observedUnit: 'connections' },
        { name: 'connections-used', status: 'pass', observedValue: total - idle, observedUnit: 'connections' },
        { name: 'waiting', status: waiting > 0 ? 'warn' : 'pass', observedValue: waiting, observedUnit: 'callers', critical: false },
      ]
      const latency = { observedValue: Math.round(latencyMs * 100) / 100, observedUnit: 'ms', children: parts }
      return role === 'primary' ? { status: 'pass', ...latency } : { status: 'fail', code: 'DB_NOT_PRIMARY', ...latency }
    },
  }
}

function agentPool(pool: AgentPool, timeoutMs: number): HealthContributor {
  return {
    name: 'agent-pool',
    critical: true,
    timeoutMs,
    check: () => {
      const { state, queued, threads } = pool.stats()
      const status = state === 'running' && threads.alive > 0 ? 'pass' : 'fail'
      return { status, observedValue: queued, observedUnit: 'waiting', ...(status === 'fail' ? { code: 'AGENT_POOL_NOT_RUNNING' } : {}) }
    },
  }
}

function cacheTiers(cache: Cache, timeoutMs: number): HealthContributor {
  return {
    name: 'cache',
    critical: false,
    timeoutMs,
    check: () => {
      const children = cache.status().tiers.map(({ name, state, reason }): HealthPart => {
        const good = state === 'ok'
        return {
          name,
          status: good ? 'pass' : 'warn',
          observedValue: state,
          ...(reason === undefined ? {} : { detail: reason }),
          critical: false,
        }
      })
      return { status: 'pass', children }
    },
  }
}

/** Invalidations that wait for this long leave other processes with what is no longer so. */
const LATE_INVALIDATION_MS = 60_000

function outbox(relay: Pick<OutboxRelay, 'stats'>, timeoutMs: number): HealthContributor {
  return {
    name: 'cache-outbox',
    critical: false,
    timeoutMs,
    check: () => {
      const { lag } = relay.stats()
      if (lag === null) return { status: 'pass', observedValue: 'waiting' }
      const late = lag.oldestMs > LATE_INVALIDATION_MS ? { status: 'warn' as const, code: 'OUTBOX_LATE' } : undefined
      const refused = lag.refused > 0 ? { status: 'warn' as const, code: 'OUTBOX_REFUSED' } : undefined
      return { status: 'pass', observedValue: lag.messages, observedUnit: 'messages', ...(late ?? refused) }
    },
  }
}
