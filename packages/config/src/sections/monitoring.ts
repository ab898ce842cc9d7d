import { milliseconds } from '../rules/number-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { variable } from '../variable.ts'

export interface MonitoringConfig {
  /** Between two rounds of health checks. */
  readonly sampleIntervalMs: number
  /** For one health check; one that takes longer counts as failed. */
  readonly checkTimeoutMs: number
  /** Between two measurements of what is kept in the database: for the gauges made of it, and for its own history. */
  readonly historyIntervalMs: number
}

export const monitoringSection: Section<MonitoringConfig> = defineSection({
  name: 'monitoring',
  title: 'Monitoring',
  variables: {
    CIDADAO_MONITORING_SAMPLE_INTERVAL_MS: variable(milliseconds({ min: 100, max: 3_600_000 }), {
      field: 'monitoring.sampleIntervalMs',
      default: '5000',
      doc: 'Time between two rounds of health checks.',
    }),
    CIDADAO_MONITORING_CHECK_TIMEOUT_MS: variable(milliseconds({ min: 10, max: 60_000 }), {
      field: 'monitoring.checkTimeoutMs',
      default: '2000',
      doc: 'Longest time of one health check.',
    }),
    CIDADAO_MONITORING_HISTORY_INTERVAL_MS: variable(milliseconds({ min: 1_000, max: 86_400_000 }), {
      field: 'monitoring.historyIntervalMs',
      default: '60000',
      doc: 'Time between two counts of the investigations by status, and between two rows of each series in the history of measurements.',
    }),
  },
  build: (values) => ({
    sampleIntervalMs: values.CIDADAO_MONITORING_SAMPLE_INTERVAL_MS,
    checkTimeoutMs: values.CIDADAO_MONITORING_CHECK_TIMEOUT_MS,
    historyIntervalMs: values.CIDADAO_MONITORING_HISTORY_INTERVAL_MS,
  }),
})
