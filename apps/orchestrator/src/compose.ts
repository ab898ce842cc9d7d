import { createAgentPool, type AgentPool } from '@cidadao/agent-pool'
import { createCache, seedPolicies, type Cache } from '@cidadao/cache'
import { postgresTier } from '@cidadao/cache/postgres'
import { connectRedis, redisTier, type RedisConnection } from '@cidadao/cache/redis'
import type { Config } from '@cidadao/config'
import { serviceGroup, systemClock, type Service } from '@cidadao/contracts'
import { createDatabase, createEmbeddedPostgres, type Database, type DatabaseOptions } from '@cidadao/db'
import { createTelemetry, type Telemetry } from '@cidadao/monitoring'
import { findSuperiorOrgans, SUPERIOR_ORGANS } from '@cidadao/procurement'
import { RULE_FAMILY_NAMES } from './agents/agent-contracts.ts'
import { orchestratorAgents } from './agents/agents.ts'
import { inspectSource } from './agents/inspect-source.ts'
import { createHttpServer, type HttpServer } from './api/http-server.ts'
import { CachedStepMemory } from './engine/cached-step-memory.ts'
import { DatabaseRunStore } from './engine/database-run-store.ts'
import type { ExecutionEngine } from './engine/execution-engine.ts'
import { InlineEngine } from './engine/inline-engine.ts'
import { PoolStepRunner } from './engine/pool-step-runner.ts'
import { sourcesInside } from './api/source-folder.ts'
import { apiOf, Orchestrator } from './orchestrator.ts'
import { TemplatePlanner } from './plan/template-planner.ts'
import { toDatabaseOptions, toRedisOptions } from './wiring/config-to-options.ts'
import { logEvents } from './wiring/log-events.ts'
import { healthChecks, READINESS_CHECKS } from './wiring/health-checks.ts'
import { wireMetrics } from './wiring/wire-metrics.ts'

/** Telemetry and the database: enough for commands that only look. */
export interface Store extends Service {
  readonly telemetry: Telemetry
  readonly db: Database
}

/** The whole system, built and not yet started. */
export interface House extends Store {
  readonly redis: RedisConnection | undefined
  readonly cache: Cache
  readonly pool: AgentPool
  readonly engine: ExecutionEngine
  readonly orchestrator: Orchestrator
}

export interface ComposeOptions {
  readonly version: string
  readonly revision: string
}

/** Builds everything and connects nothing; `start` brings it up left to right, `stop` takes it down right to left. */
export function compose(config: Config, options: ComposeOptions): House {
  const clock = systemClock
  const store = composeStore(config, options)
  const { telemetry, db } = store
  const { logger, health } = telemetry

  const redis = config.redis.nodes.length === 0 ? undefined : connectRedis(toRedisOptions(config.redis))
  const cache = createCache({
    tiers: [...(redis === undefined ? [] : [redisTier(redis)]), postgresTier(db.sql)],
    policies: Object.values(seedPolicies(toSeedTtls(config))),
    environment: config.cache.keyPrefix,
    memory: { maxEntries: config.cache.maxEntries, maxBytes: config.cache.maxBytes },
  })
  const { threads, queueLimit, runTimeoutMs } = config.agentPool
  const pool = createAgentPool({ agents: orchestratorAgents(), threads, queueLimit, runTimeoutMs, clock })

  const engine = new InlineEngine({
    store: new DatabaseRunStore(db, clock),
    runner: new PoolStepRunner(pool),
    memory: new CachedStepMemory(cache, { ttlMs: config.cache.ttlLongMs, logger }),
    clock,
    maxRunning: config.orchestrator.maxConcurrentInvestigations,
    runTimeoutMs: config.orchestrator.investigationTimeoutMs,
  })
  const organs = { find: findSuperiorOrgans, all: SUPERIOR_ORGANS }
  const planner = new TemplatePlanner({ organs, families: RULE_FAMILY_NAMES.map((name) => ({ name })) })
  const agents = new Set(pool.agents().map(({ name }) => name))
  const orchestrator = new Orchestrator({ db, engine, planner, agents, inspectSource, clock, logger })

  wireMetrics(telemetry, { db, cache, pool, engine })
  logEvents(logger, { engine, cache, redis })

  const checks = healthChecks(health, { db, cache, pool, redis }, config.monitoring.checkTimeoutMs)
  const members = [store, redis, cache, pool, engine, checks].filter((member) => member !== undefined)
  return { ...serviceGroup(members, 'orchestrator'), telemetry, db, redis, cache, pool, engine, orchestrator }
}

/** The database alone, embedded where the configuration names none. */
export function composeStore(config: Config, build: ComposeOptions, overrides: Partial<Pick<DatabaseOptions, 'migrations'>> = {}): Store {
  const telemetry = createTelemetry({
    build,
    clock: systemClock,
    logger: { level: config.log.level, format: config.log.format },
    health: { intervalMs: config.monitoring.sampleIntervalMs, startup: ['postgresql'], readiness: READINESS_CHECKS },
  })
  const { logger } = telemetry
  const embedded = config.db.url === undefined ? createEmbeddedPostgres({ dataDir: config.db.dataDir, logger }) : undefined
  const db = createDatabase({ ...toDatabaseOptions(config, () => embedded?.url), ...overrides, logger, clock: systemClock })
  const members = [telemetry, embedded, db].filter((member) => member !== undefined)
  return { ...serviceGroup(members, 'store'), telemetry, db }
}

/** The HTTP API over a house: accepts requests between its start and its stop, which comes before the house's. */
export function composeServer(config: Config, house: Pick<House, 'telemetry' | 'orchestrator'>, apiKey: string): HttpServer {
  const { telemetry, orchestrator } = house
  const { requestDuration } = telemetry.catalogue.http
  return createHttpServer(
    { ...config.http, apiKey },
    {
      investigations: apiOf(orchestrator, sourcesInside(config.orchestrator.dataSourceRoot)),
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
