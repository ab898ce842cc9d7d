import type { Investigation } from './investigation.ts'
import { INVESTIGATION_COLUMNS, type InvestigationRow } from './investigation-row.ts'
import { INVESTIGATION_STATUSES, isInvestigationStatus, isTransitionAllowed, type InvestigationStatus } from './investigation-status.ts'
import type { ValidInvestigation } from './investigation-validation.ts'
import { ImmutableFieldError, IllegalTransitionError, VersionConflictError } from '../errors/investigation-errors.ts'
import type { SqlStatement } from '../sql-executor.ts'

export type UpsertRow = InvestigationRow & { readonly previous_status: string | null }

/**
 * One statement: insert, or update the row that is at the expected version, has the same identity and may go to the
 * new status. No row comes back where it was refused; nothing is written then.
 *
 * The status before comes from the statement's snapshot. It is that of the updated row: the caller had read the
 * expected version before the statement began, versions only grow, and the update demands that very version.
 */
const UPSERT = `
WITH before AS (SELECT status FROM investigations WHERE id = $1),
saved AS (
  INSERT INTO investigations AS stored (
    id, user_id, query, status, results, metadata, created_at, updated_at, completed_at, error_message,
    confidence_score, anomalies_found, processing_time_ms, version, attempt
  )
  SELECT $1, $2, $3, $4, $5::jsonb, $6::jsonb, COALESCE($7::timestamptz, $8::timestamptz),
    GREATEST(COALESCE($7::timestamptz, $8::timestamptz), clock_timestamp()), $9::timestamptz, $10,
    $11::double precision, $12::bigint, $13::bigint, 1, $15::integer
  WHERE $14::bigint = 0 OR EXISTS (SELECT 1 FROM before)
  ON CONFLICT (id) DO UPDATE SET
    status = EXCLUDED.status,
    results = EXCLUDED.results,
    metadata = EXCLUDED.metadata,
    completed_at = EXCLUDED.completed_at,
    error_message = EXCLUDED.error_message,
    confidence_score = EXCLUDED.confidence_score,
    anomalies_found = EXCLUDED.anomalies_found,
    processing_time_ms = EXCLUDED.processing_time_ms,
    attempt = EXCLUDED.attempt
  WHERE stored.version = $14
    AND stored.query = EXCLUDED.query
    AND stored.user_id IS NOT DISTINCT FROM EXCLUDED.user_id
    AND ($7::timestamptz IS NULL OR stored.created_at = EXCLUDED.created_at)
    AND (
      (stored.attempt = EXCLUDED.attempt AND stored.status = ANY ($16::text[]))
      OR (stored.attempt = EXCLUDED.attempt - 1 AND stored.status = ANY ($17::text[]))
    )
  RETURNING ${INVESTIGATION_COLUMNS}
)
SELECT saved.*, before.status AS previous_status FROM saved LEFT JOIN before ON TRUE`

export function upsertQuery(investigation: ValidInvestigation, now: Date): SqlStatement {
  const { completedAt } = investigation
  // Completed a moment before it was ever stored: creation cannot come after.
  const defaultCreatedAt = completedAt !== null && completedAt < now ? completedAt : now
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
      defaultCreatedAt,
      completedAt,
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

/** From which statuses the transition table leads to `to`. */
function statusesBefore(to: InvestigationStatus, attemptsAdded: number): InvestigationStatus[] {
  return INVESTIGATION_STATUSES.filter((from) => isTransitionAllowed({ from, to, attemptsAdded }))
}

/** Why an upsert wrote nothing, told from the row that is stored now. */
export function refusalOf(
  wanted: ValidInvestigation,
  stored: Investigation | undefined,
): VersionConflictError | ImmutableFieldError | IllegalTransitionError {
  const { id, expectedVersion } = wanted
  // Before the version: a caller who reuses somebody else's id shall hear of that, not of a race.
  const immutable = stored === undefined ? undefined : changedImmutable(wanted, stored)
  if (immutable !== undefined) return new ImmutableFieldError(immutable)
  if (stored?.version !== expectedVersion) return new VersionConflictError(id, expectedVersion, stored?.version ?? null)
  return new IllegalTransitionError(stored.status, wanted.status)
}

function changedImmutable(wanted: ValidInvestigation, stored: Investigation): string | undefined {
  if (wanted.query !== stored.query) return 'query'
  if (wanted.userId !== stored.userId) return 'user_id'
  if (wanted.createdAt !== undefined && wanted.createdAt.getTime() !== stored.createdAt.getTime()) return 'created_at'
  return undefined
}

export function previousStatusOf(row: UpsertRow): InvestigationStatus | null {
  return isInvestigationStatus(row.previous_status) ? row.previous_status : null
}
