import type { Telemetry } from '@cidadao/monitoring'
import type { Tracing } from '../telemetry/tracing.ts'

/** Counts what becomes of spans, and says once that they are lost and once that they arrive again. */
export function traceExports(tracing: Tracing, { logger, catalogue }: Pick<Telemetry, 'logger' | 'catalogue'>): void {
  let failing = false
  tracing.events.on('exported', ({ spans, outcome, error }) => {
    catalogue.tracing.spans.add(spans, { outcome })
    if (outcome === 'failed' && !failing) logger.warn('traces do not reach their collector and are lost', { error })
    if (outcome === 'ok' && failing) logger.info('traces reach their collector again')
    failing = outcome === 'failed'
  })
}
