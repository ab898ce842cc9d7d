import { hasCode, type Clock, type Logger, type Service } from '@cidadao/contracts'
import { INVESTIGATION_STATUSES, type Investigations, type MetricRecorder } from '@cidadao/db'
import type { Catalogue, Metrics } from '@cidadao/monitoring'
import { repeat } from './repeat.ts'

export interface HistoryRoundsOptions {
  readonly investigations: Pick<Investigations, 'stats'>
  readonly metrics: Metrics
  readonly catalogue: Pick<Catalogue, 'investigations'>
  readonly recorder: Pick<MetricRecorder, 'record'>
  readonly everyMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/** What is worth keeping for reports; Prometheus has everything else, by the second. */
export const HISTORY_METRICS: ReadonlySet<string> = new Set([
  'investigations',
  'investigations_transitions_total',
  'investigation_anomalies_total',
  'audit_entries_total',
  'audit_unanchored_entries',
  'cache_entries',
  'db_client_connections',
])

/** Counts what the database holds, for the gauges; then takes a row of each series for the history. */
export function historyRounds(options: HistoryRoundsOptions): Service {
  const { investigations, metrics, catalogue, recorder, everyMs, clock, logger } = options
  const count = async (): Promise<void> => {
    const { byStatus } = await investigations.stats()
    for (const status of INVESTIGATION_STATUSES) catalogue.investigations.byStatus.set(byStatus[status], { status })
  }
  const keep = async (): Promise<void> => {
    const timestamp = clock.now()
    for (const { name, samples } of await metrics.snapshot()) {
      if (!HISTORY_METRICS.has(name)) continue
      for (const { value, labels } of samples) recorder.record({ name, value, tags: { ...labels }, timestamp })
    }
  }
  return repeat({
    name: 'history-rounds',
    everyMs,
    clock,
    run: async () => {
      await count()
      await keep()
    },
    onFailed: (error) => {
      // The pool is gone first when everything stops at once.
      const level = hasCode(error, 'DB_CLOSED') ? 'debug' : 'warn'
      logger[level]('measurements were not taken', { error })
    },
  })
}
