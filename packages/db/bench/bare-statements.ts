import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { InvestigationDraft } from '../src/index.ts'
import { ORIGIN } from './bench-server.ts'

/** What somebody would write by hand on the bare driver: prepared statements, the same columns, and no checks. */

export type Draft = InvestigationDraft & { readonly id: string }

export const UPDATED_COLUMNS = [
  'status',
  'results',
  'metadata',
  'completed_at',
  'error_message',
  'confidence_score',
  'anomalies_found',
  'processing_time_ms',
] as const
export const MERGE = `ON CONFLICT (id) DO UPDATE SET ${UPDATED_COLUMNS.map((column) => `${column} = EXCLUDED.${column}`).join(', ')}`

const UPSERT = {
  name: 'bare-upsert',
  text: `INSERT INTO investigations AS stored (id, user_id, query, status, results, metadata, completed_at, error_message, confidence_score,
      anomalies_found, processing_time_ms, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $7)
    ${MERGE} WHERE stored.version = $12 RETURNING version, status, updated_at`,
}
export const SELECT = { name: 'bare-select', text: 'SELECT * FROM investigations WHERE id = $1' }
const APPEND = { name: 'bare-append', text: 'SELECT seq, hash_chain FROM audit_append($1)' }

export function valuesOf(draft: Draft): unknown[] {
  return [
    draft.id,
    draft.userId,
    draft.query,
    draft.status,
    JSON.stringify(draft.results),
    JSON.stringify(draft.metadata),
    draft.completedAt,
    draft.errorMessage ?? null,
    draft.confidenceScore,
    draft.anomaliesFound,
    draft.processingTimeMs,
  ]
}

export function bareUpsert(sql: pg.Pool | pg.PoolClient, draft: Draft): Promise<unknown> {
  return sql.query({ ...UPSERT, values: [...valuesOf(draft), draft.version ?? 0] })
}

export function bareAppend(sql: pg.Pool | pg.PoolClient, payloads: readonly string[]): Promise<unknown> {
  return sql.query({ ...APPEND, values: [payloads] })
}

/** A payload put together as text, without any check. */
export function barePayload(investigation: string): string {
  const ts = new Date().toISOString().replace('Z', '000Z')
  return `{"action":"investigation.completed","agent":"system","data":{"anomalies":5,"outcome":"success"},"id":"${randomUUID()}","investigation":"${investigation}","log":"${ORIGIN}","ts":"${ts}","v":1}`
}

export async function bareUpsertWithAudit(pool: pg.Pool, draft: Draft): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await bareUpsert(client, draft)
    await bareAppend(client, [barePayload(draft.id)])
    await client.query('COMMIT')
  } finally {
    client.release()
  }
}
