import type { JsonObject, JsonValue } from '@cidadao/contracts'

const COLOURS: Readonly<Record<string, string>> = { debug: '\u001b[2m', info: '\u001b[36m', warn: '\u001b[33m', error: '\u001b[31m' }
const DIM = '\u001b[2m'
const RESET = '\u001b[0m'
const TIME_OF_DAY = { from: 11, to: 23 }
/** Control characters could move the cursor or forge a line on the reader's terminal. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** One JSON log line as a line for people; stacks of errors follow indented. */
export function formatPretty(line: string, options: { readonly colour: boolean }): string {
  const record = parse(line)
  if (record === undefined) return line
  const { level, time, msg, ...fields } = record
  const stacks: string[] = []
  const shown = Object.entries(fields).map(([key, value]) => `${paint(clean(key), DIM, options)}=${formatField(value, stacks)}`)
  const levelName = typeof level === 'string' ? level : 'info'
  const head = [
    paint(typeof time === 'string' ? time.slice(TIME_OF_DAY.from, TIME_OF_DAY.to) : '', DIM, options),
    paint(levelName.toUpperCase().padEnd(5), COLOURS[levelName] ?? '', options),
    clean(typeof msg === 'string' ? msg : ''),
  ]
  return [[...head, ...shown].join(' '), ...stacks.flatMap(indent)].join('\n') + '\n'
}

function formatField(value: JsonValue, stacks: string[]): string {
  if (isError(value)) {
    collectStacks(value, stacks)
    const code = typeof value.code === 'string' ? ` (${value.code})` : ''
    return clean(`${value.name}${code}: ${value.message}`)
  }
  if (typeof value === 'string') return clean(/[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value)
  return clean(JSON.stringify(value))
}

type LoggedError = JsonObject & { readonly name: string; readonly message: string }

function isError(value: JsonValue): value is LoggedError {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('message' in value)) return false
  return typeof value.name === 'string' && typeof value.message === 'string'
}

function collectStacks(error: LoggedError, stacks: string[]): void {
  const { stack, cause } = error
  if (typeof stack === 'string') stacks.push(stacks.length === 0 ? stack : `caused by ${stack}`)
  if (cause !== undefined && isError(cause)) collectStacks(cause, stacks)
}

function indent(text: string): string[] {
  return text.split('\n').map((line) => `  ${clean(line)}`)
}

function clean(text: string): string {
  return text.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function paint(text: string, colour: string, { colour: wanted }: { readonly colour: boolean }): string {
  return wanted ? `${colour}${text}${RESET}` : text
}

function parse(line: string): JsonObject | undefined {
  try {
    return JSON.parse(line) as JsonObject
  } catch {
    // Shown as it came: half a line is still worth reading.
    return undefined
  }
}
