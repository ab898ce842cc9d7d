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
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) throw new InvalidInvestigationError(field, 'must not contain control characters')
  return value
}

/**
 * The JSON text of `value`, after making sure that nothing in it would be dropped, changed or refused on the way:
 * what JSON.stringify leaves out or turns into null is an error here, as is what JSONB cannot hold. Text is refused
 * rather than mended: whoever hashed the value before must find the same hash in what is stored.
 */
export function toStoredJson(field: string, value: unknown): string {
  requireJson(value, [field])
  return JSON.stringify(value)
}

/** Where in the value we are: one list for all of it, since a text for each member costs more than the checks. */
type Trail = (string | number)[]

function requireJson(value: unknown, trail: Trail): void {
  if (trail.length > MAX_DEPTH + 1) refuse(trail, `must not be nested deeper than ${MAX_DEPTH} levels`)
  switch (typeof value) {
    case 'boolean':
      return
    case 'string':
      return requireStorable(trail, value)
    case 'number':
      if (!Number.isFinite(value)) refuse(trail, 'must be a finite number')
      return
    case 'object':
      return requireJsonObject(value, trail)
    default:
      refuse(trail, `must be JSON, not ${typeof value}`)
  }
}

function requireJsonObject(value: object | null, trail: Trail): void {
  if (value === null) return
  if (Array.isArray(value)) return requireItems(value, trail)
  if (!isPlainObject(value)) return refuse(trail, 'must be a plain object, not an instance of a class')
  for (const name of Object.keys(value)) {
    if (faultOf(name) !== undefined) requireStorable(`${toPath(trail)}: a member's name`, name)
    trail.push(name)
    requireJson(value[name], trail)
    trail.pop()
  }
}

/** By index, so that a hole is met as what it would become: `undefined`. */
function requireItems(items: readonly unknown[], trail: Trail): void {
  for (let index = 0; index < items.length; index += 1) {
    trail.push(index)
    requireJson(items[index], trail)
    trail.pop()
  }
}

function refuse(trail: Trail, rule: string): never {
  throw new InvalidInvestigationError(toPath(trail), rule)
}

function toPath(trail: Trail): string {
  return trail.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value)
}

function requireStorable(field: string | Trail, value: string): void {
  const fault = faultOf(value)
  if (fault !== undefined) throw new InvalidInvestigationError(typeof field === 'string' ? field : toPath(field), fault)
}

function faultOf(text: string): string | undefined {
  if (text.includes('\u0000')) return 'must not contain the character NUL'
  return text.isWellFormed() ? undefined : 'must not contain half of a surrogate pair'
}

/** The text with U+FFFD in the place of what PostgreSQL cannot store: NUL and halves of surrogate pairs. */
export function toStorableText(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').toWellFormed()
}

/** What PostgreSQL counts as characters. */
function codePoints(value: string): number {
  return Array.from(value).length
}
