export { createCatalogue, type Catalogue } from './catalogue/catalogue.ts'
export type { Declaration, InstrumentOf, Instruments } from './catalogue/declaration.ts'
export {
  HealthCheckTimeoutError,
  HealthContributorError,
  HealthStoppedError,
  MetricDefinitionError,
  MonitoringOptionsError,
} from './errors.ts'
export type { HealthEvents } from './health/events.ts'
export {
  CHECK_STATUSES,
  HEALTH_STATUSES,
  type CheckStatus,
  type HealthContributor,
  type HealthObservation,
  type HealthPart,
  type HealthStatus,
} from './health/health-check.ts'
export type { HealthRegistryOptions } from './health/health-options.ts'
export { createHealthRegistry, type HealthRegistry } from './health/health-registry.ts'
export { HEALTH_CONTENT_TYPE, REPORT_DETAILS, type HealthReport, type ProbeReport, type ReportDetails } from './health/health-report.ts'
export type { LoopWatch } from './health/loop-watch.ts'
export { observeHealth } from './health/observe-health.ts'
export { CHECK_CODES } from './health/sample.ts'
export { createLogger, LOG_FORMATS, type LogFormat, type LoggerOptions, type RootLogger } from './logging/create-logger.ts'
export type { LogDestination } from './logging/destination.ts'
export { redactText } from './logging/redact-text.ts'
export {
  CACHE_BUCKETS,
  CHECK_BUCKETS,
  DATABASE_BUCKETS,
  GC_BUCKETS,
  HTTP_BUCKETS,
  INVESTIGATION_BUCKETS,
  TASK_BUCKETS,
} from './metrics/buckets.ts'
export { createMetrics, type MetricsOptions } from './metrics/create-metrics.ts'
export {
  METRIC_TYPES,
  OTHER,
  type Counter,
  type CounterDefinition,
  type Exposition,
  type Gauge,
  type GaugeDefinition,
  type Histogram,
  type HistogramDefinition,
  type LabelArguments,
  type LabelRule,
  type LabelRules,
  type Labels,
  type MetricDefinition,
  type MetricDescription,
  type Metrics,
  type MetricSnapshot,
  type MetricType,
  type NoLabels,
  type SampleSnapshot,
  type StateSet,
  type StateSetDefinition,
} from './metrics/metrics.ts'
export { createRuntimeMetrics, type RuntimeMetricsOptions } from './metrics/runtime-metrics.ts'
export { createTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts'
