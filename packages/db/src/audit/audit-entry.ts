import type { JsonObject, JsonValue } from '@cidadao/contracts'
import { toAgentText, type AuditActor } from './audit-actor.ts'
import { AuditEntryError } from './audit-errors.ts'
import { toPayloadText } from './audit-payload.ts'
import { maskPersonalText, mayHoldCpf } from './free-text.ts'
import { isPlainObject } from './canonical-json.ts'
import { commitmentOf, createOpening, type CommitmentOpening } from './commitment.ts'

export const AUDIT_OUTCOMES = ['success', 'failure', 'denied'] as const
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number]

/** What a caller has to say about an event. Its id, its instant and the log's origin are not the caller's to choose. */
export interface AuditEntry {
  readonly actor: AuditActor
  /** What was done, as lower-case words with dots: `investigation.created`. */
  readonly action: string
  /** The investigation it belongs to. @default null */
  readonly investigation?: string | null
  /** How it ended; kept as `data.outcome`. Leave out where an event has no outcome, such as a fact observed. */
  readonly outcome?: AuditOutcome
  /** The request that led to it, to find its other traces; kept as `data.request`. */
  readonly requestId?: string
  /** Details. Money as decimal strings; no personal data, which cannot be taken out again. CPFs in its texts are masked. @default {} */
  readonly data?: JsonObject
  /** Personal data. The log keeps salted commitments in `data.committed`; the values can be erased. @default {} */
  readonly personal?: Readonly<Record<string, JsonValue>>
}

/** An entry ready for the database: nothing is computed while the log is locked. */
export interface PreparedEntry {
  readonly id: string
  readonly payload: string
  readonly openings: readonly CommitmentOpening[]
}

/** What the log adds to an entry. */
export interface EntryStamp {
  readonly log: string
  readonly id: string
  readonly ts: string
}

const RESERVED_MEMBERS = ['outcome', 'request', 'committed'] as const
const MAX_REQUEST_ID_LENGTH = 200

/** Makes the payload of an entry, and the openings of its commitments. Throws `AuditEntryError` or `CanonicalJsonError`. */
export function prepareEntry(entry: AuditEntry, stamp: EntryStamp): PreparedEntry {
  const openings = Object.entries(entry.personal ?? {}).map(([field, value]) => createOpening(field, value))
  const { action, investigation = null } = entry
  const members = { ...stamp, agent: toAgentText(entry.actor), action, investigation, data: toData(entry, openings) }
  const payload = toPayloadText(members)
  // Looked at once it is known to be JSON, and made anew only where there is something to mask.
  const isClean = !mayHoldCpf(payload)
  return { id: stamp.id, payload: isClean ? payload : toPayloadText({ ...members, data: maskPersonalText(members.data) }), openings }
}

function toData(entry: AuditEntry, openings: readonly CommitmentOpening[]): JsonObject {
  const { data = {}, outcome, requestId } = entry
  // Before the spread below, which would turn a map or a class instance into a plain object without its content.
  requireRule('data', isPlainObject(data), 'a plain object')
  for (const member of RESERVED_MEMBERS) {
    requireRule(`data.${member}`, !Object.hasOwn(data, member), 'the log writes this member itself: use the field of the entry')
  }
  requireRule('outcome', outcome === undefined || AUDIT_OUTCOMES.includes(outcome), `one of ${AUDIT_OUTCOMES.join(', ')}`)
  const requestIsGood = requestId === undefined || (requestId !== '' && requestId.length <= MAX_REQUEST_ID_LENGTH)
  requireRule('requestId', requestIsGood, `1 to ${MAX_REQUEST_ID_LENGTH} characters`)
  return {
    ...data,
    ...(outcome !== undefined && { outcome }),
    ...(requestId !== undefined && { request: requestId }),
    ...(openings.length > 0 && { committed: Object.fromEntries(openings.map((opening) => [opening.field, commitmentOf(opening)])) }),
  }
}

function requireRule(field: string, valid: boolean, rule: string): void {
  if (!valid) throw new AuditEntryError(`audit entry: ${field}: ${rule}`, { facts: { field, rule } })
}
