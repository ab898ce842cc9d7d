import type { JsonObject } from '@cidadao/contracts'
import { AuditEntryError } from './audit-errors.ts'
import { canonicalize, isPlainObject } from './canonical-json.ts'

/** The members of a payload, version 1. What the log proves is the canonical text of exactly these. */
export interface AuditPayload {
  /** Origin of the log, different for each deployment. */
  readonly log: string
  /** UUID in lower case. */
  readonly id: string
  /** RFC 3339 in UTC with six decimals, as `toAuditInstant` writes it. */
  readonly ts: string
  readonly agent: string
  readonly action: string
  readonly investigation: string | null
  readonly data: JsonObject
}

export const PAYLOAD_VERSION = 1

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/u
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u
const ACTION = /^[a-z][a-z\d_-]*(?:\.[a-z\d_-]+)+$/u
const MAX_NAME_LENGTH = 100
const MAX_INVESTIGATION_LENGTH = 50

/**
 * The text that is hashed, stored and never parsed and written again. It does not hold the sequence number, so it can
 * be made before any lock is taken. Throws `AuditEntryError`, or `CanonicalJsonError` for `data` that is not JSON.
 */
export function toPayloadText(payload: AuditPayload): string {
  const { log, id, ts, agent, action, investigation, data } = payload
  requireRule('id', UUID.test(id), 'a UUID in lower case', id)
  requireRule('ts', INSTANT.test(ts), 'RFC 3339 in UTC with six decimals', ts)
  requireRule(
    'action',
    ACTION.test(action) && action.length <= MAX_NAME_LENGTH,
    'lower-case words with dots, at most 100 characters',
    action,
  )
  requireRule('agent', isText(agent, MAX_NAME_LENGTH), '1 to 100 characters', agent)
  const investigationIsGood = investigation === null || isText(investigation, MAX_INVESTIGATION_LENGTH)
  requireRule('investigation', investigationIsGood, 'null or 1 to 50 characters', String(investigation))
  requireRule('data', isPlainObject(data), 'a plain object', typeof data)
  return canonicalize({ v: PAYLOAD_VERSION, log, id, ts, agent, action, investigation, data }, { nul: 'refuse' })
}

/** An instant as the log writes it. A `Date` knows milliseconds; the last three decimals are there for finer clocks. */
export function toAuditInstant(instant: Date): string {
  const isNamed = !Number.isNaN(instant.getTime()) && /^\d{4}-/u.test(instant.toISOString())
  requireRule('ts', isNamed, 'an instant in the years 0000 to 9999', String(instant.getTime()))
  return instant.toISOString().replace('Z', '000Z')
}

/** Whether a text can be the id of an entry at all. */
export function isEntryId(text: string): boolean {
  return UUID.test(text)
}

function isText(value: unknown, maxLength: number): boolean {
  return typeof value === 'string' && value !== '' && Array.from(value).length <= maxLength
}

function requireRule(field: string, valid: boolean, rule: string, received: string): void {
  if (!valid) throw new AuditEntryError(`audit entry: ${field}: ${rule}, got "${received}"`, { facts: { field, rule } })
}
