import type { Investigation } from './investigation.ts'
import { INVESTIGATION_COLUMNS, type InvestigationRow } from './investigation-row.ts'
import { INVESTIGATION_STATUSES, isInvestigationStatus, isTransitionAllowed, type InvestigationStatus } from './investigation-status.ts'
import type { ValidInvestigation } from './investigation-validation.ts'
import { ImmutableFieldError, IllegalTransitionError, VersionConflictError } from '../errors/investigation-errors.ts'
import type { SqlStatement } from '../sql-executor.ts'

export type UpsertRow = InvestigationRow & { readonly previous_status: string | null }

/**
 * One statement: insert a new row, or update the row that is at the expected version, has the same identity and may go
 * to the new status. No row comes back where it was refused; nothing is written then.
 *
 * The version says which of the two is meant, and it is never the other one: `ON CONFLICT DO UPDATE` would insert again
 * a row that is erased while it waits for its lock.
 *
 * The status before comes from the statement's snapshot. It is that of the updated row: the caller had read the
 * expected version before the statement began, versions only grow, and the update demands that very version.
 */
const UPSERT = `
WITH updated AS (
  UPDATE investigations AS stored SET
    status = $4,
    results = $5::jsonb,
    metadata = $6::jsonb,
    completed_at = $9::timestamptz,
    error_message = $10,
    confidence_score = $11::double precision,
    anomalies_found = $12::bigint,
    processing_time_ms = $13::bigint,
    attempt = $15::integer
  FROM (SELECT status FROM investigations WHERE id = $1) AS before (previous_status)
  WHERE stored.id = $1
    AND $14::bigint > 0
    AND stored.version = $14
    AND stored.query = $3
    AND stored.user_id IS NOT DISTINCT FROM $2
    AND ($7::timestamptz IS NULL OR stored.created_at = $7)
    AND (
      (stored.attempt = $15 AND stored.status = ANY ($16::text[]))
      OR (stored.attempt = $15 - 1 AND stored.status = ANY ($17::text[]))
    )
  RETURNING ${INVESTIGATION_COLUMNS}, previous_status
),
inserted AS (
  INSERT INTO investigations (
    id, user_id, query, status, results, metadata, created_at, updated_at, completed_at, error_message,
    confidence_score, anomalies_found, processing_time_ms, version, attempt
  )
  SELECT $1, $2, $3, $4, $5::jsonb, $6::jsonb, COALESCE($7::timestamptz, $8::timestamptz),
    GREATEST(COALESCE($7::timestamptz, $8::timestamptz), clock_timestamp()), $9::timestamptz, $10,
    $11::double precision, $12::bigint, $13::bigint, 1, $15::integer
  WHERE $14::bigint = 0
  ON CONFLICT (id) DO NOTHING
  RETURNING ${INVESTIGATION_COLUMNS}
)
SELECT * FROM updated
UNION ALL
SELECT *, NULL FROM inserted`

export function upsertQuery(investigation: ValidInvestigation, now: Date): SqlStatement {
  return {
    name: 'investigations.save',
    text: UPSERT,
    values: [
      investigation.id,
      investigation.userId,
      investigation.query,
      investigation.status,
      investigation.resultsJson,
      investigation.metadataJson,
      investigation.createdAt ?? null,
      defaultCreatedAt(investigation, now),
      investigation.completedAt,
      investigation.errorMessage,
      investigation.confidenceScore,
      investigation.anomaliesFound,
      investigation.processingTimeMs,
      investigation.expectedVersion,
      investigation.attempt,
      statusesBefore(investigation.status, 0),
      statusesBefore(investigation.status, 1),
    ],
  }
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
