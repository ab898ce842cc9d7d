import { LOG_LEVELS, type LogLevel } from '@cidadao/contracts'
import { oneOf } from '../rules/text-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { variable } from '../variable.ts'

export const LOG_FORMATS = ['json', 'pretty', 'auto'] as const
/** `auto`: pretty on a terminal, else JSON. */
export type LogFormat = (typeof LOG_FORMATS)[number]

export interface LogConfig {
  readonly level: LogLevel
  readonly format: LogFormat
}

export const logSection: Section<LogConfig> = defineSection({
  name: 'log',
  title: 'Logs',
  variables: {
    CIDADAO_LOG_LEVEL: variable(oneOf(LOG_LEVELS), {
      field: 'log.level',
      default: 'info',
      presets: { test: 'warn' },
      doc: 'Least level that is written.',
    }),
    CIDADAO_LOG_FORMAT: variable(oneOf(LOG_FORMATS), {
      field: 'log.format',
      default: 'auto',
      presets: { production: 'json' },
      doc: '`auto` is pretty on a terminal and JSON elsewhere.',
    }),
  },
  build: (values) => ({ level: values.CIDADAO_LOG_LEVEL, format: values.CIDADAO_LOG_FORMAT }),
})
