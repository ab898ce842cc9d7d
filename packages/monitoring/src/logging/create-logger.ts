import {
  defineService,
  LOG_LEVELS,
  systemClock,
  toError,
  type Clock,
  type LogFields,
  type Logger,
  type LogLevel,
  type Service,
} from '@cidadao/contracts'
import { pino } from 'pino'
import { MonitoringOptionsError } from '../errors.ts'
import { flushDestination, standardError, type LogDestination } from './destination.ts'
import { formatPretty } from './pretty.ts'
import { redactText } from './redact-text.ts'
import { ValueRedactor } from './redact-value.ts'

export const LOG_FORMATS = ['json', 'pretty', 'auto'] as const
/** `auto` is pretty on a terminal and JSON elsewhere. */
export type LogFormat = (typeof LOG_FORMATS)[number]

export interface LoggerOptions {
  /** The least severe lines that are written. @default 'info' */
  readonly level?: LogLevel
  /** @default 'auto' */
  readonly format?: LogFormat
  /** @default standard error */
  readonly destination?: LogDestination
  /** Further field names whose values are secrets, whatever their case and depth. @default [] */
  readonly redact?: readonly string[]
  /** Fields of each line that depend on the moment, such as the current trace. @default none */
  readonly correlation?: () => LogFields
  /** Told once when lines cannot be written any more. @default a process warning */
  readonly onWriteError?: (error: Error) => void
  /** Gives the time of a line. @default systemClock */
  readonly clock?: Clock
}

/** A logger, and its end: `stop` resolves when what was logged is written. Logging goes on working after it. */
export type RootLogger = Logger & Service

/** Keys that the line itself uses; a field of that name is shown under `field_…`. */
const LINE_KEYS: readonly string[] = ['level', 'time', 'msg']

/**
 * Lines of JSON through pino: time, level, fields, `msg`. Fields are redacted and made plain first, so whatever they
 * hold, a call neither throws nor shows a secret.
 */
export function createLogger(options: LoggerOptions = {}): RootLogger {
  const settings = resolveLoggerOptions(options)
  const write = guardedWrite(settings)
  const sink = pino(
    {
      level: settings.level,
      base: null,
      timestamp: () => `,"time":"${settings.clock.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  const redactor = new ValueRedactor(settings.redact)
  const service = defineService({ name: 'logger', start: async () => {}, stop: () => flushDestination(settings.destination) })
  const logger = boundLogger({ sink, redactor, correlation: settings.correlation }, {})
  return { ...logger, name: service.name, start: () => service.start(), stop: () => flushDestination(settings.destination) }
}

interface Sink {
  readonly sink: pino.Logger
  readonly redactor: ValueRedactor
  readonly correlation: (() => LogFields) | undefined
}

function boundLogger(target: Sink, bound: LogFields): Logger {
  const log = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (!target.sink.isLevelEnabled(level)) return
    target.sink[level]({ ...bound, ...correlate(target), ...toLineFields(target, fields) }, redactText(message))
  }
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => boundLogger(target, { ...bound, ...toLineFields(target, fields) }),
  }
}

function toLineFields({ redactor }: Sink, fields: LogFields | undefined): LogFields {
  if (fields === undefined) return {}
  const redacted = redactor.redactFields(fields)
  if (!LINE_KEYS.some((key) => key in redacted)) return redacted
  return Object.fromEntries(Object.entries(redacted).map(([key, value]) => [LINE_KEYS.includes(key) ? `field_${key}` : key, value]))
}

function correlate(target: Sink): LogFields {
  if (target.correlation === undefined) return {}
  try {
    return toLineFields(target, target.correlation())
  } catch (thrown) {
    return { correlation_error: redactText(toError(thrown).message) }
  }
}

type Settings = Required<Omit<LoggerOptions, 'correlation'>> & { readonly correlation: (() => LogFields) | undefined }

function resolveLoggerOptions(options: LoggerOptions): Settings {
  const onWriteError = once(options.onWriteError ?? warnOfWriteError)
  const { level = 'info', format = 'auto', redact = [], clock = systemClock, correlation } = options
  oneOf('level', level, LOG_LEVELS)
  oneOf('format', format, LOG_FORMATS)
  const destination = options.destination ?? standardError(onWriteError)
  return Object.freeze({ level, format, redact, clock, correlation, destination, onWriteError })
}

function oneOf(field: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw new MonitoringOptionsError(`logger ${field} must be one of ${allowed.join(', ')}; got ${JSON.stringify(value)}`, {
    facts: { field },
  })
}

/** A log that cannot be written must not stop what it tells of. */
function guardedWrite({ destination, format, onWriteError }: Settings): (line: string) => void {
  const isTerminal = destination.isTTY === true
  const pretty = format === 'pretty' || (format === 'auto' && isTerminal)
  return (line) => {
    try {
      destination.write(pretty ? formatPretty(line, { colour: isTerminal }) : line)
    } catch (thrown) {
      onWriteError(toError(thrown))
    }
  }
}

function once(listener: (error: Error) => void): (error: Error) => void {
  let told = false
  return (error) => {
    if (told) return
    told = true
    listener(error)
  }
}

function warnOfWriteError(error: Error): void {
  process.emitWarning(`log lines cannot be written: ${error.message}`, 'LogWriteWarning')
}
