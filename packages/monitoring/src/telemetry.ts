import { serviceGroup, systemClock, type Clock, type Service } from '@cidadao/contracts'
import { createCatalogue, type Catalogue } from './catalogue/catalogue.ts'
import type { HealthRegistryOptions } from './health/health-options.ts'
import { createHealthRegistry, type HealthRegistry } from './health/health-registry.ts'
import { observeHealth } from './health/observe-health.ts'
import { createLogger, type LoggerOptions, type RootLogger } from './logging/create-logger.ts'
import { createMetrics, type MetricsOptions } from './metrics/create-metrics.ts'
import type { Metrics } from './metrics/metrics.ts'
import { createRuntimeMetrics, type RuntimeMetricsOptions } from './metrics/runtime-metrics.ts'

export interface TelemetryOptions {
  /** What runs, for `build_info`. */
  readonly build: RuntimeMetricsOptions['build']
  /** @default systemClock */
  readonly clock?: Clock
  /** @default {} */
  readonly logger?: Omit<LoggerOptions, 'clock'>
  /** @default {} */
  readonly metrics?: Omit<MetricsOptions, 'logger'>
  /** @default {} */
  readonly health?: Omit<HealthRegistryOptions, 'clock' | 'logger'>
}

/** Everything of this package, wired: the first member of the composition root's group, hence the last to stop. */
export interface Telemetry extends Service {
  readonly logger: RootLogger
  readonly metrics: Metrics
  readonly catalogue: Catalogue
  readonly health: HealthRegistry
}

/** Logger, metrics with the catalogue and the runtime's own, and health that reports into both. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { build, clock = systemClock } = options
  const logger = createLogger({ ...options.logger, clock })
  const metrics = createMetrics({ ...options.metrics, logger })
  const catalogue = createCatalogue(metrics)
  const health = createHealthRegistry({ ...options.health, clock, logger })
  observeHealth(health, catalogue)
  const group = serviceGroup([logger, createRuntimeMetrics(metrics, { build, clock }), health], 'telemetry')
  return Object.freeze({ ...group, logger, metrics, catalogue, health })
}
