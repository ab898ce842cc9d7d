import type { JsonObject } from '@cidadao/contracts'
import { UnexpectedDatabaseError } from '../errors/database-error.ts'
import type { Investigation, InvestigationResults } from './investigation.ts'
import { isInvestigationStatus } from './investigation-status.ts'

/** A row as the driver hands it over: `bigint` as text, JSONB parsed. */
export interface InvestigationRow {
  readonly id: string
  readonly user_id: string | null
  readonly query: string
  readonly status: string
  readonly results: InvestigationResults | null
  readonly metadata: JsonObject
  readonly created_at: Date
  readonly updated_at: Date
  readonly completed_at: Date | null
  readonly error_message: string | null
  readonly confidence_score: number | null
  readonly anomalies_found: string
  readonly processing_time_ms: string
  readonly version: string
  readonly attempt: number
}

export const INVESTIGATION_COLUMNS: string =
  'id, user_id, query, status, results, metadata, created_at, updated_at, completed_at, error_message, ' +
  'confidence_score, anomalies_found, processing_time_ms, version, attempt'

export function toInvestigation(row: InvestigationRow): Investigation {
  const { status } = row
  if (!isInvestigationStatus(status)) {
    throw new UnexpectedDatabaseError(`investigation has the unknown status "${status}"`, { facts: { investigation: row.id } })
  }
  return Object.freeze({
    id: row.id,
    userId: row.user_id,
    query: row.query,
    status,
    results: row.results,
    metadata: row.metadata,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    completedAt: row.completed_at,
    errorMessage: row.error_message,
    confidenceScore: row.confidence_score,
    anomaliesFound: toSafeInteger('anomalies_found', row.anomalies_found),
    processingTimeMs: toSafeInteger('processing_time_ms', row.processing_time_ms),
    version: toSafeInteger('version', row.version),
    attempt: row.attempt,
  })
}

/** A `bigint` column as a number. Throws rather than round. */
export function toSafeInteger(column: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) {
    throw new UnexpectedDatabaseError(`column ${column} holds ${text}, which a number cannot`, { facts: { column } })
  }
  return value
}
