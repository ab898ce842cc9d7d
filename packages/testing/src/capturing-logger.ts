import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from '@cidadao/contracts'

export interface CapturedLine {
  readonly level: LogLevel
  readonly message: string
  /** Those of the line over those of its logger. */
  readonly fields: LogFields
}

/** A logger that keeps its lines, and those of its children, instead of printing them. */
export interface CapturingLogger extends Logger {
  /** In the order they were written. */
  readonly lines: readonly CapturedLine[]
  /** The lines of one level. */
  at(level: LogLevel): CapturedLine[]
  clear(): void
}

export function capturingLogger(): CapturingLogger {
  const lines: CapturedLine[] = []
  return {
    ...loggerInto(lines, {}),
    lines,
    at: (level) => lines.filter((line) => line.level === level),
    clear: () => void lines.splice(0),
  }
}

function loggerInto(lines: CapturedLine[], inherited: LogFields): Logger {
  const write =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push({ level, message, fields: { ...inherited, ...fields } })
  const methods = Object.fromEntries(LOG_LEVELS.map((level) => [level, write(level)])) as Record<LogLevel, ReturnType<typeof write>>
  return { ...methods, child: (fields) => loggerInto(lines, { ...inherited, ...fields }) }
}
