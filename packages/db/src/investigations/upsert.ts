import type { JsonObject } from '@cidadao/contracts'
import type { Investigation, InvestigationResults } from './investigation.ts'
import { toSafeInteger } from './investigation-row.ts'
import { INVESTIGATION_STATUSES, isInvestigationStatus, isTransitionAllowed, type InvestigationStatus } from './investigation-status.ts'
import type { ValidInvestigation } from './investigation-validation.ts'
import { ImmutableFieldError, IllegalTransitionError, VersionConflictError } from '../errors/investigation-errors.ts'
import type { SqlStatement } from '../sql-executor.ts'

/** What the store alone decides; all else of a stored row is what was sent, and may be large. */
export interface UpsertRow {
  readonly version: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly previous_status: string | null
}

const DECIDED = 'version, created_at, updated_at'

/**
 * The version says whether a row is new or there already, and one is never taken for the other: `ON CONFLICT DO UPDATE`
 * would insert again a row that is erased while it waits for its lock. No row comes back where it was refused; nothing
 * is written then.
 */
const INSERT = `
INSERT INTO investigations (
  id, user_id, query, status, results, metadata, completed_at, error_message, confidence_score, anomalies_found,
  processing_time_ms, attempt, created_at, updated_at, version
)
VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7::timestamptz, $8, $9::double precision, $10::bigint, $11::bigint, $12::integer,
  $13::timestamptz, GREATEST($13::timestamptz, clock_timestamp()), 1)
ON CONFLICT (id) DO NOTHING
RETURNING ${DECIDED}, NULL AS previous_status`

/**
 * The row that is at the expected version, has the same identity and may go to the new status. The status before comes
 * from the statement's snapshot. It is that of the updated row: the caller had read the expected version before the
 * statement began, versions only grow, and the update demands that very version.
 */
const UPDATE = `
UPDATE investigations AS stored SET
  status = $4,
  results = $5::jsonb,
  metadata = $6::jsonb,
  completed_at = $7::timestamptz,
  error_message = $8,
  confidence_score = $9::double precision,
  anomalies_found = $10::bigint,
  processing_time_ms = $11::bigint,
  attempt = $12::integer
FROM (SELECT status FROM investigations WHERE id = $1) AS before (previous_status)
WHERE stored.id = $1
  AND stored.version = $14::bigint
  AND stored.query = $3
  AND stored.user_id IS NOT DISTINCT FROM $2
  AND ($13::timestamptz IS NULL OR stored.created_at = $13)
  AND (
    (stored.attempt = $12 AND stored.status = ANY ($15::text[]))
    OR (stored.attempt = $12 - 1 AND stored.status = ANY ($16::text[]))
  )
RETURNING ${DECIDED}, previous_status`

export function upsertQuery(investigation: ValidInvestigation, now: Date): SqlStatement {
  const { createdAt, expectedVersion, status } = investigation
  const written = [
    investigation.id,
    investigation.userId,
    investigation.query,
    status,
    investigation.resultsJson,
    investigation.metadataJson,
    investigation.completedAt,
    investigation.errorMessage,
    investigation.confidenceScore,
    investigation.anomaliesFound,
    investigation.processingTimeMs,
    investigation.attempt,
  ]
  if (expectedVersion === 0) {
    return { name: 'investigations.insert', text: INSERT, values: [...written, createdAt ?? defaultCreatedAt(investigation, now)] }
  }
  const [sameAttempt, nextAttempt] = [statusesBefore(status, 0), statusesBefore(status, 1)]
  return { name: 'investigations.update', text: UPDATE, values: [...written, createdAt ?? null, expectedVersion, sameAttempt, nextAttempt] }
}

/** The investigation as it is stored now. A copy of its own, as if it had been read. */
export function toSaved(valid: ValidInvestigation, row: UpsertRow): Investigation {
  const { resultsJson, completedAt } = valid
  return Object.freeze({
    id: valid.id,
    userId: valid.userId,
    query: valid.query,
    status: valid.status,
    results: resultsJson === null ? null : (JSON.parse(resultsJson) as InvestigationResults),
    metadata: JSON.parse(valid.metadataJson) as JsonObject,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    completedAt: completedAt === null ? null : new Date(completedAt),
    errorMessage: valid.errorMessage,
    confidenceScore: valid.confidenceScore,
    anomaliesFound: valid.anomaliesFound,
    processingTimeMs: valid.processingTimeMs,
    version: toSafeInteger('version', row.version),
    attempt: valid.attempt,
  })
}

/** Completed a moment before it was ever stored: creation cannot come after. */
export function defaultCreatedAt({ completedAt }: ValidInvestigation, now: Date): Date {
  return completedAt !== null && completedAt < now ? completedAt : now
}

/** From which statuses the transition table leads to `to`. */
function statusesBefore(to: InvestigationStatus, attemptsAdded: number): InvestigationStatus[] {
  return INVESTIGATION_STATUSES.filter((from) => isTransitionAllowed({ from, to, attemptsAdded }))
}

/** What of a stored row tells why a write was refused. */
export type StoredIdentity = Pick<Investigation, 'id' | 'query' | 'userId' | 'createdAt' | 'version' | 'status'>

/** Why an upsert wrote nothing, told from the row that is stored now. */
export function refusalOf(
  wanted: ValidInvestigation,
  stored: StoredIdentity | undefined,
): VersionConflictError | ImmutableFieldError | IllegalTransitionError {
  const { id, expectedVersion } = wanted
  // Before the version: a caller who reuses somebody else's id shall hear of that, not of a race.
  const immutable = stored === undefined ? undefined : changedImmutable(wanted, stored)
  if (immutable !== undefined) return new ImmutableFieldError(immutable)
  if (stored?.version !== expectedVersion) return new VersionConflictError(id, expectedVersion, stored?.version ?? null)
  return new IllegalTransitionError(stored.status, wanted.status)
}

function changedImmutable(wanted: ValidInvestigation, stored: StoredIdentity): string | undefined {
  if (wanted.query !== stored.query) return 'query'
  if (wanted.userId !== stored.userId) return 'user_id'
  if (wanted.createdAt !== undefined && wanted.createdAt.getTime() !== stored.createdAt.getTime()) return 'created_at'
  return undefined
}

export function toPreviousStatus(previous: string | null): InvestigationStatus | null {
  return isInvestigationStatus(previous) ? previous : null
}
