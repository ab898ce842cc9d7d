import { decimalSeconds, wholeNumber } from '../rules/number-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { variable } from '../variable.ts'

/** Repeating what failed for a passing reason. */
export interface RetryConfig {
  /** Attempts in all, the first included; 1 means no repetition. */
  readonly attempts: number
  /** Wait before the second attempt; later ones wait longer. */
  readonly delayMs: number
}

export const retrySection: Section<RetryConfig> = defineSection({
  name: 'retry',
  title: 'Retries',
  variables: {
    CONNECTION_RETRY_ATTEMPTS: variable(wholeNumber({ min: 1, max: 100 }), {
      field: 'retry.attempts',
      default: '3',
      presets: { production: '5' },
      doc: 'Attempts in all, the first included.',
    }),
    CONNECTION_RETRY_DELAY: variable(decimalSeconds({ min: 0, max: 3_600 }), {
      field: 'retry.delayMs',
      default: '1.0',
      presets: { production: '2.0' },
      doc: 'Seconds to wait before the second attempt.',
    }),
  },
  build: (values) => ({ attempts: values.CONNECTION_RETRY_ATTEMPTS, delayMs: values.CONNECTION_RETRY_DELAY }),
})
