import type { Catalogue } from '../catalogue/catalogue.ts'
import type { HealthStatus } from './health-check.ts'
import type { HealthRegistry } from './health-registry.ts'

const STATUS_VALUES: Readonly<Record<HealthStatus, number>> = { pass: 1, warn: 0.5, fail: 0, unknown: -1 }
const MS_PER_SECOND = 1_000

/** Keeps `health_check_status` and `health_check_duration_seconds` up to date; the returned function ends that. */
export function observeHealth(health: Pick<HealthRegistry, 'on'>, catalogue: Pick<Catalogue, 'health'>): () => void {
  return health.on('sampled', ({ check, reported, durationMs }) => {
    catalogue.health.status.set(STATUS_VALUES[reported], { check })
    catalogue.health.duration.observe(durationMs / MS_PER_SECOND, { check })
  })
}
