import type { SqlStatement } from '../../sql-executor.ts'
import { defaultCreatedAt } from '../upsert.ts'
import type { ValidInvestigation } from '../investigation-validation.ts'

export interface BulkRow {
  readonly id: string
  readonly version: string
  readonly status: string
  readonly attempt: number
  readonly created_at: Date
  readonly updated_at: Date
  readonly previous_status: string | null
}

/** A chunk holds new rows or stored ones, not both: each kind is one plain statement, and locks are taken in one order. */
export const CHUNK_KINDS = ['update', 'insert'] as const
export type ChunkKind = (typeof CHUNK_KINDS)[number]

export function kindOf({ expectedVersion }: Pick<ValidInvestigation, 'expectedVersion'>): ChunkKind {
  return expectedVersion === 0 ? 'insert' : 'update'
}

/** Only what the store decided comes back; the rest of a row is what was sent, and may be large. */
const RETURNED = 'id, version, status, attempt, created_at, updated_at'

const GIVEN = `json_to_recordset($1::json) AS given (
  id text, user_id text, query text, status text, results jsonb, metadata jsonb, created_at timestamptz,
  default_created_at timestamptz, completed_at timestamptz, error_message text, confidence_score double precision,
  anomalies_found bigint, processing_time_ms bigint, expected_version bigint, attempt integer
)`

/** As the insert of a single save. In order of the ids, so that two who insert the same ones do not wait for each other. */
const INSERT = `
INSERT INTO investigations (
  id, user_id, query, status, results, metadata, created_at, updated_at, completed_at, error_message,
  confidence_score, anomalies_found, processing_time_ms, version, attempt
)
SELECT id, user_id, query, status, results, metadata, COALESCE(created_at, default_created_at),
  GREATEST(COALESCE(created_at, default_created_at), clock_timestamp()), completed_at, error_message,
  confidence_score, anomalies_found, processing_time_ms, 1, attempt
FROM ${GIVEN}
ORDER BY id COLLATE "C"
ON CONFLICT (id) DO NOTHING
RETURNING ${RETURNED}, NULL AS previous_status`

/** As the update of a single save. The rows are locked in order of their ids before any is updated, which no join promises. */
const UPDATE = `
WITH locked AS MATERIALIZED (
  SELECT id, status FROM investigations WHERE id = ANY ($2::text[]) ORDER BY id COLLATE "C" FOR NO KEY UPDATE
)
UPDATE investigations AS stored SET
  status = given.status,
  results = given.results,
  metadata = given.metadata,
  completed_at = given.completed_at,
  error_message = given.error_message,
  confidence_score = given.confidence_score,
  anomalies_found = given.anomalies_found,
  processing_time_ms = given.processing_time_ms,
  attempt = given.attempt
FROM ${GIVEN} JOIN locked USING (id)
WHERE stored.id = given.id
  AND stored.version = given.expected_version
  AND stored.query = given.query
  AND stored.user_id IS NOT DISTINCT FROM given.user_id
  AND (given.created_at IS NULL OR stored.created_at = given.created_at)
  AND investigation_transition_allowed(stored.status, given.status, given.attempt - stored.attempt)
RETURNING ${RETURNED.replaceAll(/\w+/g, 'stored.$&')}, locked.status AS previous_status`

export function bulkQuery(kind: ChunkKind, ids: readonly string[], rowsJson: string): SqlStatement {
  return kind === 'insert'
    ? { name: 'investigations.insert-many', text: INSERT, values: [rowsJson] }
    : { name: 'investigations.update-many', text: UPDATE, values: [rowsJson, [...ids]] }
}

/**
 * One row as JSON text. Results and metadata are JSON text already and go in as they are; what is null is left out,
 * which the server reads as NULL.
 */
export function toRowJson(row: ValidInvestigation, now: Date): string {
  const { id, userId, query, status, createdAt, completedAt, errorMessage, confidenceScore } = row
  const scalars = JSON.stringify({
    id,
    user_id: userId ?? undefined,
    query,
    status,
    created_at: createdAt,
    default_created_at: createdAt === undefined ? defaultCreatedAt(row, now) : undefined,
    completed_at: completedAt ?? undefined,
    error_message: errorMessage ?? undefined,
    confidence_score: confidenceScore ?? undefined,
    anomalies_found: row.anomaliesFound,
    processing_time_ms: row.processingTimeMs,
    expected_version: row.expectedVersion,
    attempt: row.attempt,
  })
  const results = row.resultsJson === null ? '' : `,"results":${row.resultsJson}`
  return `${scalars.slice(0, -1)}${results},"metadata":${row.metadataJson}}`
}

const STORED_IDENTITIES = `
SELECT id, user_id, query, status, created_at, version FROM investigations WHERE id = ANY ($1::text[])`

/** What a refusal is told from; results, which may be large, are left where they are. */
export function storedIdentitiesQuery(ids: readonly string[]): SqlStatement {
  return { name: 'investigations.identities', text: STORED_IDENTITIES, values: [[...ids]] }
}
