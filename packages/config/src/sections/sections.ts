import type { Section } from '../section.ts'
import { agentPoolSection, type AgentPoolConfig } from './agent-pool.ts'
import { auditSection, type AuditConfig } from './audit.ts'
import { cacheSection, type CacheConfig } from './cache.ts'
import { dbSection, type DbConfig } from './db.ts'
import { httpSection, type HttpConfig } from './http.ts'
import { logSection, type LogConfig } from './log.ts'
import { monitoringSection, type MonitoringConfig } from './monitoring.ts'
import { orchestratorSection, type OrchestratorConfig } from './orchestrator.ts'
import { redisSection, type RedisConfig } from './redis.ts'
import { retentionSection, type RetentionConfig } from './retention.ts'
import { retrySection, type RetryConfig } from './retry.ts'
import { tracingSection, type TracingConfig } from './tracing.ts'

/** What the variables make; one field a section. */
export interface ConfigSections {
  readonly db: DbConfig
  readonly redis: RedisConfig
  readonly cache: CacheConfig
  readonly retry: RetryConfig
  readonly http: HttpConfig
  readonly log: LogConfig
  readonly monitoring: MonitoringConfig
  readonly tracing: TracingConfig
  readonly agentPool: AgentPoolConfig
  readonly audit: AuditConfig
  readonly retention: RetentionConfig
  readonly orchestrator: OrchestratorConfig
}

/** All sections, in the order of the reference. */
export const SECTIONS: { readonly [Name in keyof ConfigSections]: Section<ConfigSections[Name]> } = Object.freeze({
  db: dbSection,
  redis: redisSection,
  cache: cacheSection,
  retry: retrySection,
  http: httpSection,
  log: logSection,
  monitoring: monitoringSection,
  tracing: tracingSection,
  agentPool: agentPoolSection,
  audit: auditSection,
  retention: retentionSection,
  orchestrator: orchestratorSection,
})

/** Names of the variables that `NAME_FILE` may stand for. */
export const FILE_VARIABLES: ReadonlySet<string> = new Set(
  Object.values(SECTIONS).flatMap(({ variables }) => Object.entries(variables).flatMap(([name, { file }]) => (file ? [name] : []))),
)
