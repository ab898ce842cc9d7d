import { InvalidInvestigationError } from '../errors/investigation-errors.ts'

/** Deeper than any result of ours, and shallow enough for every reader's stack. It also ends a cycle. */
const MAX_DEPTH = 100

export interface TextLimits {
  /** In characters (code points). */
  readonly maxLength?: number
}

/** Throws unless PostgreSQL can store `value` exactly: no NUL, no half of a surrogate pair, not blank. */
export function requireText(field: string, value: string, limits: TextLimits = {}): string {
  if (typeof value !== 'string') throw new InvalidInvestigationError(field, 'must be text')
  if (value.trim() === '') throw new InvalidInvestigationError(field, 'must not be blank')
  requireStorable(field, value)
  if (limits.maxLength !== undefined && codePoints(value) > limits.maxLength) {
    throw new InvalidInvestigationError(field, `must have at most ${limits.maxLength} characters`)
  }
  return value
}

/** Throws unless `value` is an identifier: text without control characters and without space around it. */
export function requireIdentifier(field: string, value: string, maxLength: number): string {
  requireText(field, value, { maxLength })
  if (value.trim() !== value) throw new InvalidInvestigationError(field, 'must not begin or end with space')
  if (/[\u0000-\u001f\u007f]/.test(value)) throw new InvalidInvestigationError(field, 'must not contain control characters')
  return value
}

/**
 * The JSON text of `value`, after making sure that nothing in it would be dropped, changed or refused on the way:
 * what JSON.stringify leaves out or turns into null is an error here, as is what JSONB cannot hold.
 */
export function toStoredJson(field: string, value: unknown): string {
  requireJson(field, value, 0)
  return JSON.stringify(value)
}

function requireJson(path: string, value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new InvalidInvestigationError(path, `must not be nested deeper than ${MAX_DEPTH} levels`)
  switch (typeof value) {
    case 'boolean':
      return
    case 'string':
      return requireStorable(path, value)
    case 'number':
      if (!Number.isFinite(value)) throw new InvalidInvestigationError(path, 'must be a finite number')
      return
    case 'object':
      return requireJsonObject(path, value, depth)
    default:
      throw new InvalidInvestigationError(path, `must be JSON, not ${typeof value}`)
  }
}

function requireJsonObject(path: string, value: object | null, depth: number): void {
  if (value === null) return
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) requireJson(`${path}[${index}]`, value[index], depth + 1)
    return
  }
  if (!isPlainObject(value)) throw new InvalidInvestigationError(path, 'must be a plain object, not an instance of a class')
  for (const [name, member] of Object.entries(value)) {
    requireStorable(`${path}: a member's name`, name)
    requireJson(`${path}.${name}`, member, depth + 1)
  }
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value)
}

function requireStorable(field: string, value: string): void {
  if (value.includes('\u0000')) throw new InvalidInvestigationError(field, 'must not contain the character NUL')
  if (!value.isWellFormed()) throw new InvalidInvestigationError(field, 'must not contain half of a surrogate pair')
}

/** What PostgreSQL counts as characters. */
function codePoints(value: string): number {
  return Array.from(value).length
}
