import { hasCode, type JsonObject, type JsonValue } from '@cidadao/contracts'
import { canonicalize, isPlainObject } from '../audit/canonical-json.ts'
import { InvalidMetricError } from '../errors/metric-errors.ts'

export interface MetricSample {
  /** At most 100 characters. */
  readonly name: string
  readonly value: number
  /** Dimensions; few and bounded, at most 2 KB as the database writes them. @default {} */
  readonly tags?: JsonObject
  /** @default now, by the database */
  readonly timestamp?: Date
  /** With `timestamp`, makes recording twice harmless: one row for the same pair. @default given by the database */
  readonly id?: number
}

const MAX_NAME_LENGTH = 100
const MAX_TAGS_LENGTH = 2_048

/** Throws `InvalidMetricError` for what the database would refuse, or store as something else. */
export function requireSample(sample: MetricSample): MetricSample {
  requireName(sample.name)
  // Prisma would store Infinity as NULL.
  if (!Number.isFinite(sample.value)) throw new InvalidMetricError('value', 'must be a finite number')
  if (sample.tags !== undefined) requireTags(sample.tags)
  if (sample.timestamp !== undefined) requireInstant('timestamp', sample.timestamp)
  if (sample.id !== undefined && (!Number.isSafeInteger(sample.id) || sample.id < 0)) {
    throw new InvalidMetricError('id', 'must be an integer of at least 0')
  }
  return sample
}

export function requireName(name: string): string {
  const isName = typeof name === 'string' && name.trim() !== '' && Array.from(name).length <= MAX_NAME_LENGTH
  if (!isName) throw new InvalidMetricError('name', `must have 1 to ${MAX_NAME_LENGTH} characters`)
  if (name.includes('\0') || !name.isWellFormed()) throw new InvalidMetricError('name', 'must be text without NUL and half surrogate pairs')
  return name
}

export function requireInstant(field: string, instant: Date): Date {
  const year = instant instanceof Date ? instant.getUTCFullYear() : Number.NaN
  if (!(year >= 1 && year <= 9999)) throw new InvalidMetricError(field, 'must be a valid Date within the years 1 to 9999')
  return instant
}

function requireTags(tags: JsonObject): void {
  if (!isPlainObject(tags)) throw new InvalidMetricError('tags', 'must be an object')
  try {
    canonicalize(tags, { maxBytes: 4 * MAX_TAGS_LENGTH, nul: 'refuse' })
  } catch (error) {
    if (!hasCode(error, 'DB_AUDIT_NOT_CANONICAL')) throw error
    throw new InvalidMetricError('tags', 'must be JSON that PostgreSQL can store')
  }
  if (storedLength(tags) > MAX_TAGS_LENGTH) throw new InvalidMetricError('tags', `must have at most ${MAX_TAGS_LENGTH} characters as JSON`)
}

/** Characters of the text that PostgreSQL makes of a `jsonb` value: a space follows each comma and colon. */
function storedLength(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return Array.from(JSON.stringify(value)).length
  const parts = Array.isArray(value)
    ? (value as readonly JsonValue[]).map(storedLength)
    : Object.entries(value as JsonObject).map(([name, member]) => storedLength(name) + 2 + storedLength(member))
  return 2 + parts.reduce((sum, length) => sum + length, 0) + 2 * Math.max(0, parts.length - 1)
}
