import type { JsonValue } from '@cidadao/contracts'
import type { SqlStatement } from '../sql-executor.ts'
import type { AuditActor } from './audit-actor.ts'
import type { AuditEntry, PreparedEntry } from './audit-entry.ts'
import { AuditEntryError } from './audit-errors.ts'
import { opensCommitment, type CommitmentOpening } from './commitment.ts'

/** Personal data to be erased from one entry (LGPD art. 18 VI). */
export interface RedactionRequest {
  /** The entry's id. */
  readonly entry: string
  /** Fields of its `personal` data, each with something left to erase. */
  readonly fields: readonly string[]
  /** The legal ground, 1 to 200 characters, without personal data: it stays in the log. */
  readonly basis: string
  readonly actor: AuditActor
  readonly requestId?: string
}

export type DisclosedField =
  /** The value, and what proves that it is the one that was committed to. */
  | {
      readonly outcome: 'disclosed'
      readonly field: string
      readonly value: JsonValue
      readonly opening: CommitmentOpening
      readonly commitment: string
    }
  /** Nothing is left but the commitment, from which the value cannot be found. */
  | { readonly outcome: 'erased'; readonly field: string; readonly commitment: string }
  /** What is stored is not what was committed to. */
  | { readonly outcome: 'forged'; readonly field: string; readonly commitment: string | null }

export interface Disclosure {
  readonly seq: number
  readonly id: string
  readonly fields: readonly DisclosedField[]
}

export interface RedactedRow {
  readonly seq: string
  readonly investigation_id: string | null
}

export interface DisclosureRow {
  readonly seq: string
  readonly payload: string
  readonly field: string | null
  readonly salt: Buffer | null
  readonly value: string | null
}

const MAX_BASIS_LENGTH = 200

/** What is written about a redaction: that something was erased, where, and why; never what. */
export function redactionEntry(request: RedactionRequest, entry: RedactedRow): AuditEntry {
  const { fields, basis, actor, requestId } = request
  return {
    actor,
    action: 'audit.redacted',
    investigation: entry.investigation_id,
    ...(requestId !== undefined && { requestId }),
    data: { entry: Number(entry.seq), fields: [...fields].sort(), basis },
  }
}

/** Throws `AuditEntryError`. */
export function requireRedaction({ fields, basis }: RedactionRequest): void {
  const isUnique = new Set(fields).size === fields.length
  if (fields.length === 0 || !isUnique) throw refusal('fields', 'one or more, each once')
  if (basis.trim() === '' || basis.length > MAX_BASIS_LENGTH) throw refusal('basis', `1 to ${MAX_BASIS_LENGTH} characters`)
}

export function redactedEntryStatement(id: string): SqlStatement {
  return { name: 'audit_redacted_entry', text: 'SELECT seq, investigation_id FROM audit_logs WHERE id = $1', values: [id] }
}

export function redactStatement({ entry, fields }: RedactionRequest, prepared: PreparedEntry): SqlStatement {
  return {
    name: 'audit_redact',
    text: 'SELECT seq, leaf_hash, hash_chain FROM audit_redact($1, $2::text[], $3)',
    values: [entry, fields, prepared.payload],
  }
}

export function disclosureStatement(id: string): SqlStatement {
  return {
    name: 'audit_disclosure',
    text: `SELECT entry.seq, entry.payload, opening.field, opening.salt, opening.value
      FROM audit_logs AS entry LEFT JOIN audit_private AS opening ON opening.entry_id = entry.id
      WHERE entry.id = $1 ORDER BY opening.field`,
    values: [id],
  }
}

/** Compares what is stored with what the payload committed to. */
export function discloseFields(rows: readonly DisclosureRow[]): readonly DisclosedField[] {
  const [first] = rows
  if (first === undefined) return []
  const { data } = JSON.parse(first.payload) as { readonly data: { readonly committed?: Readonly<Record<string, string>> } }
  const commitments = new Map(Object.entries(data.committed ?? {}))
  const stored = rows.flatMap(({ field, salt, value }) => {
    return field === null || salt === null || value === null ? [] : [disclose({ field, salt, valueJson: value }, commitments.get(field))]
  })
  const known = new Set(stored.map(({ field }) => field))
  const erased = [...commitments].filter(([field]) => !known.has(field))
  return [...stored, ...erased.map(([field, commitment]) => ({ outcome: 'erased' as const, field, commitment }))]
}

function disclose(opening: CommitmentOpening, commitment: string | undefined): DisclosedField {
  const { field, valueJson } = opening
  if (commitment === undefined || !opensCommitment(opening, commitment)) return { outcome: 'forged', field, commitment: commitment ?? null }
  return { outcome: 'disclosed', field, value: JSON.parse(valueJson) as JsonValue, opening, commitment }
}

function refusal(field: string, rule: string): AuditEntryError {
  return new AuditEntryError(`redaction: ${field}: ${rule}`, { facts: { field, rule } })
}
