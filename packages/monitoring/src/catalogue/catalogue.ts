import type { Metrics } from '../metrics/metrics.ts'
import { AGENT_POOL_METRICS } from './agent-pool-metrics.ts'
import { CACHE_METRICS } from './cache-metrics.ts'
import { DATABASE_METRICS } from './database-metrics.ts'
import { declareArea, type Instruments } from './declaration.ts'
import { INVESTIGATION_METRICS } from './investigation-metrics.ts'
import { AUDIT_METRICS, HEALTH_METRICS, HTTP_METRICS, RESILIENCE_METRICS, TRACING_METRICS } from './platform-metrics.ts'

/** Every metric of the platform, declared once. The composition root calls these from the packages' events. */
export interface Catalogue {
  readonly db: Instruments<typeof DATABASE_METRICS>
  readonly cache: Instruments<typeof CACHE_METRICS>
  readonly investigations: Instruments<typeof INVESTIGATION_METRICS>
  readonly agentPool: Instruments<typeof AGENT_POOL_METRICS>
  readonly http: Instruments<typeof HTTP_METRICS>
  readonly resilience: Instruments<typeof RESILIENCE_METRICS>
  readonly tracing: Instruments<typeof TRACING_METRICS>
  readonly health: Instruments<typeof HEALTH_METRICS>
  readonly audit: Instruments<typeof AUDIT_METRICS>
}

/** Declares the catalogue on a registry; twice on the same one is a `MetricDefinitionError`. */
export function createCatalogue(metrics: Metrics): Catalogue {
  return Object.freeze({
    db: declareArea(metrics, DATABASE_METRICS),
    cache: declareArea(metrics, CACHE_METRICS),
    investigations: declareArea(metrics, INVESTIGATION_METRICS),
    agentPool: declareArea(metrics, AGENT_POOL_METRICS),
    http: declareArea(metrics, HTTP_METRICS),
    resilience: declareArea(metrics, RESILIENCE_METRICS),
    tracing: declareArea(metrics, TRACING_METRICS),
    health: declareArea(metrics, HEALTH_METRICS),
    audit: declareArea(metrics, AUDIT_METRICS),
  })
}
