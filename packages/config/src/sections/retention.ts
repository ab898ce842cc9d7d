import { wholeNumber } from '../rules/number-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { optionalVariable, variable } from '../variable.ts'

/** How long data is kept. Days are of 24 hours. */
export interface RetentionConfig {
  /** Age at which an investigation that has ended is erased; absent: none is. */
  readonly investigationDays?: number
  /** Age at which the history of measurements is dropped, a month at a time. */
  readonly metricDays: number
}

const ONE_CENTURY_DAYS = 36_500

export const retentionSection: Section<RetentionConfig> = defineSection({
  name: 'retention',
  title: 'Retention',
  variables: {
    CIDADAO_RETENTION_INVESTIGATION_DAYS: optionalVariable(wholeNumber({ min: 1, max: ONE_CENTURY_DAYS }), {
      field: 'retention.investigationDays',
      unset: 'they are kept',
      doc: 'Days after its submission at which an investigation that has ended is erased, with an entry in the audit log.',
    }),
    CIDADAO_RETENTION_METRIC_DAYS: variable(wholeNumber({ min: 1, max: ONE_CENTURY_DAYS }), {
      field: 'retention.metricDays',
      default: '400',
      doc: 'Days that the history of measurements is kept; it goes a month at a time.',
    }),
  },
  build: (values) => ({
    ...(values.CIDADAO_RETENTION_INVESTIGATION_DAYS === undefined
      ? {}
      : { investigationDays: values.CIDADAO_RETENTION_INVESTIGATION_DAYS }),
    metricDays: values.CIDADAO_RETENTION_METRIC_DAYS,
  }),
})
