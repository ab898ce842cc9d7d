import { createAgentPool, type AgentPool } from '@cidadao/agent-pool'
import { createCache, seedPolicies, type Cache } from '@cidadao/cache'
import { postgresTier } from '@cidadao/cache/postgres'
import { connectRedis, redisTier, type RedisConnection } from '@cidadao/cache/redis'
import type { Config } from '@cidadao/config'
import { serviceGroup, systemClock } from '@cidadao/contracts'
import {
  createApiKeyStore,
  createApiKeyVerifier,
  createCachedInvestigations,
  createOutboxRelay,
  type CachedInvestigations,
  type OutboxRelay,
} from '@cidadao/db'
import { findSuperiorOrgans, SUPERIOR_ORGANS } from '@cidadao/procurement'
import { RULE_FAMILY_NAMES } from './agents/agent-contracts.ts'
import { orchestratorAgents } from './agents/agents.ts'
import { inspectSource } from './agents/inspect-source.ts'
import { createHttpServer, type HttpServer } from './api/http-server.ts'
import { AuditTrust } from './audit/audit-trust.ts'
import { InvestigationProofs } from './audit/investigation-proofs.ts'
import { CachedStepMemory } from './engine/cached-step-memory.ts'
import { createEngine } from './engine/durable/create-engine.ts'
import type { ExecutionEngine } from './engine/execution-engine.ts'
import { PoolStepRunner } from './engine/pool-step-runner.ts'
import { sourcesInside } from './api/source-folder.ts'
import { apiOf, Orchestrator } from './orchestrator.ts'
import { composeStore, type ComposeOptions, type Store } from './compose-store.ts'
import { TemplatePlanner } from './plan/template-planner.ts'
import { upkeep } from './upkeep/upkeep.ts'
import { VERSION } from './version.ts'
import { toRedisOptions } from './wiring/config-to-options.ts'
import { deliverInto, investigationCache } from './wiring/investigation-cache.ts'
import { logEvents } from './wiring/log-events.ts'
import { healthChecks } from './wiring/health-checks.ts'
import { traceEvents, tracedEngine, tracedPool } from './wiring/trace-events.ts'
import { wireAudit, wireMetrics } from './wiring/wire-metrics.ts'

/** The whole system, built and not yet started. */
export interface House extends Store {
  readonly redis: RedisConnection | undefined
  readonly cache: Cache
  /** Reads by id go through the cache. */
  readonly investigations: CachedInvestigations
  readonly relay: OutboxRelay
  readonly audit: AuditTrust
  readonly pool: AgentPool
  readonly engine: ExecutionEngine
  readonly orchestrator: Orchestrator
}

/** Builds everything and connects nothing; `start` brings it up left to right, `stop` takes it down right to left. */
export function compose(config: Config, options: ComposeOptions): House {
  const clock = systemClock
  const store = composeStore(config, options)
  const { telemetry, tracing, db, probe } = store
  const { logger, health } = telemetry

  const redis = config.redis.nodes.length === 0 ? undefined : connectRedis(toRedisOptions(config.redis))
  const cache = createCache({
    tiers: [...(redis === undefined ? [] : [redisTier(redis)]), postgresTier(db.sql)],
    policies: Object.values(seedPolicies(toSeedTtls(config))),
    environment: config.cache.keyPrefix,
    memory: { maxEntries: config.cache.maxEntries, maxBytes: config.cache.maxBytes },
    // What no shared tier took goes on through the outbox, so that it outlives this process.
    pendingInvalidations: { add: (invalidation) => db.invalidate(invalidation) },
  })
  const investigations = createCachedInvestigations({
    store: db.investigations,
    events: db.events,
    cache: investigationCache(cache),
    endedTtlMs: config.cache.ttlMediumMs,
  })
  const relay = createOutboxRelay({ db, deliver: deliverInto(cache), logger, clock })
  const audit = new AuditTrust({ db, config, logger, clock, onOpened: (opened) => wireAudit(telemetry, opened) })
  const { threads, queueLimit, runTimeoutMs } = config.agentPool
  const pool = createAgentPool({ agents: orchestratorAgents(), threads, queueLimit, runTimeoutMs, clock })

  const engine = createEngine(config, {
    db,
    runner: new PoolStepRunner(tracedPool(pool, tracing)),
    capacity: (agent) => pool.capacity(agent),
    memory: new CachedStepMemory(cache, { ttlMs: config.cache.ttlLongMs, logger }),
    clock,
  })
  const organs = { find: findSuperiorOrgans, all: SUPERIOR_ORGANS }
  const planner = new TemplatePlanner({ organs, families: RULE_FAMILY_NAMES.map((name) => ({ name })) })
  const agents = new Set(pool.agents().map(({ name }) => name))
  const orchestrator = new Orchestrator({
    db: { investigations, runs: db.runs },
    engine: tracedEngine(engine, tracing),
    planner,
    agents,
    inspectSource,
    clock,
    logger,
  })

  wireMetrics(telemetry, { db, cache, pool, engine, relay, audit })
  traceEvents(tracing, { db, cache, engine })
  logEvents(logger, { engine, cache, redis, investigations, relay })

  const rounds = upkeep(config, { telemetry, db, investigations, clock })
  const checks = healthChecks(
    health,
    { db, probe, keyPrefix: config.cache.keyPrefix, cache, pool, redis, relay, audit },
    config.monitoring.checkTimeoutMs,
  )
  // The last checkpoint comes after everything that writes to the log has stopped.
  const members = [store, probe, redis, cache, relay, audit, pool, engine, rounds, checks].filter((member) => member !== undefined)
  const parts = { config, telemetry, tracing, db, probe, redis, cache, investigations, relay, audit, pool, engine, orchestrator }
  return { ...serviceGroup(members, 'orchestrator'), ...parts }
}

/** The HTTP API over a house: accepts requests between its start and its stop, which comes before the house's. */
export function composeServer(config: Config, house: Pick<House, 'telemetry' | 'orchestrator' | 'db'>, apiKey: string): HttpServer {
  const { telemetry, orchestrator, db } = house
  const { requestDuration } = telemetry.catalogue.http
  return createHttpServer(
    { ...config.http, apiKey },
    {
      investigations: apiOf(orchestrator, sourcesInside(config.orchestrator.dataSourceRoot), new InvestigationProofs({ db, config })),
      apiKeys: createApiKeyVerifier({ store: createApiKeyStore(db) }),
      version: VERSION.version,
      health: telemetry.health,
      metrics: telemetry.metrics,
      logger: telemetry.logger,
      onAnswered: ({ method, route, status, durationSeconds }) => {
        requestDuration.observe(durationSeconds, {
          http_request_method: method as 'GET',
          http_route: route,
          http_response_status_code: String(status),
        })
      },
    },
  )
}

function toSeedTtls({ cache }: Config): Parameters<typeof seedPolicies>[0] {
  return { shortMs: cache.ttlShortMs, mediumMs: cache.ttlMediumMs, longMs: cache.ttlLongMs, apiResponsesMs: cache.ttlApiResponsesMs }
}
