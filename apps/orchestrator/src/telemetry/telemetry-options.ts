import type { Config } from '@cidadao/config'
import type { TelemetryOptions } from '@cidadao/monitoring'
import { READINESS_CHECKS, STARTUP_CHECKS } from '../wiring/readiness-checks.ts'
import type { Tracing } from './tracing.ts'

/** What telemetry is told: the configuration, and where it looks for the trace that the running code belongs to. */
export function telemetryOptions(config: Config, tracing: Tracing): Pick<TelemetryOptions, 'logger' | 'metrics' | 'health'> {
  const { level, format } = config.log
  const health = { intervalMs: config.monitoring.sampleIntervalMs, startup: STARTUP_CHECKS, readiness: READINESS_CHECKS }
  if (!tracing.enabled) return { logger: { level, format }, health }
  return {
    logger: {
      level,
      format,
      correlation: () => {
        const ids = tracing.current()
        return ids === undefined ? {} : { trace_id: ids.traceId, span_id: ids.spanId }
      },
    },
    metrics: {
      exemplar: () => {
        const ids = tracing.currentSampled()
        return ids === undefined ? undefined : { trace_id: ids.traceId }
      },
    },
    health,
  }
}
