import type { InfraError } from '@cidadao/contracts'
import { UnexpectedDatabaseError } from '../../errors/database-error.ts'
import type { SqlExecutor } from '../../sql-executor.ts'
import type { UnitOfWork } from '../../transactions/unit-of-work.ts'
import { INVESTIGATION_COLUMNS, toInvestigation, toSafeInteger, type InvestigationRow } from '../investigation-row.ts'
import { isInvestigationStatus } from '../investigation-status.ts'
import type { Investigation } from '../investigation.ts'
import { isResultOf } from '../is-result-of.ts'
import { refusalOf, toPreviousStatus, type StoredIdentity } from '../upsert.ts'
import type { WrittenRow } from '../write-effects.ts'
import { bulkQuery, storedIdentitiesQuery, type BulkRow } from './bulk-statements.ts'
import type { Chunk, ValidRow } from './draft-list.ts'
import type { SavedRow } from './save-outcome.ts'

/** A row that this call stored; `from` as in `WrittenRow`. */
export interface WrittenDraft {
  readonly index: number
  readonly row: SavedRow
  readonly from: WrittenRow['from']
}

export interface WrittenChunk {
  readonly written: readonly WrittenDraft[]
  readonly refused: readonly { readonly index: number; readonly error: InfraError }[]
}

/** Few at a time: whole rows are read, and each may be large. */
const COMPARED_AT_ONCE = 20

/** Sends one chunk, and finds out about the rows that did not come back. */
export async function writeChunk(unit: UnitOfWork, chunk: Chunk): Promise<WrittenChunk> {
  const ids = chunk.rows.map(({ valid }) => valid.id)
  const { rows } = await unit.sql.query<BulkRow>(bulkQuery(chunk.kind, ids, chunk.rowsJson))
  const stored = new Map(rows.map((row) => [row.id, row]))
  const written: WrittenDraft[] = []
  const missing: ValidRow[] = []
  for (const draft of chunk.rows) {
    const row = stored.get(draft.valid.id)
    if (row === undefined) missing.push(draft)
    else written.push({ index: draft.index, row: toSavedRow(row), from: toPreviousStatus(row.previous_status) })
  }
  if (missing.length === 0) return { written, refused: [] }
  const repeated = unit.attempt.mayBeDone ? await findRepeated(unit.sql, missing) : []
  const refused = await explain(
    unit.sql,
    missing.filter((row) => !repeated.some(({ index }) => index === row.index)),
  )
  return { written: [...written, ...repeated], refused }
}

async function explain(sql: SqlExecutor, missing: readonly ValidRow[]): Promise<WrittenChunk['refused']> {
  if (missing.length === 0) return []
  const { rows } = await sql.query<InvestigationRow>(storedIdentitiesQuery(missing.map(({ valid }) => valid.id)))
  const stored = new Map(rows.map((row) => [row.id, toIdentity(row)]))
  return missing.map(({ index, valid }) => ({ index, error: refusalOf(valid, stored.get(valid.id)) }))
}

/** The connection broke after an earlier try of this very chunk had been sent, and it did take effect. */
async function findRepeated(sql: SqlExecutor, missing: readonly ValidRow[]): Promise<readonly WrittenDraft[]> {
  const repeated: WrittenDraft[] = []
  for (let start = 0; start < missing.length; start += COMPARED_AT_ONCE) {
    const drafts = missing.slice(start, start + COMPARED_AT_ONCE)
    const text = `SELECT ${INVESTIGATION_COLUMNS} FROM investigations WHERE id = ANY ($1::text[])`
    const { rows } = await sql.query<InvestigationRow>({ text, values: [drafts.map(({ valid }) => valid.id)] })
    const stored = new Map(rows.map((row) => [row.id, toInvestigation(row)]))
    for (const { index, valid } of drafts) {
      const row = stored.get(valid.id)
      if (row !== undefined && isResultOf(valid, row)) repeated.push({ index, row, from: undefined })
    }
  }
  return repeated
}

function toSavedRow(row: BulkRow): SavedRow {
  return {
    id: row.id,
    version: toSafeInteger('version', row.version),
    status: toKnownStatus(row.id, row.status),
    attempt: row.attempt,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function toIdentity(row: InvestigationRow): StoredIdentity {
  return {
    id: row.id,
    query: row.query,
    userId: row.user_id,
    createdAt: row.created_at,
    version: toSafeInteger('version', row.version),
    status: toKnownStatus(row.id, row.status),
  }
}

function toKnownStatus(id: string, status: string): Investigation['status'] {
  if (isInvestigationStatus(status)) return status
  throw new UnexpectedDatabaseError(`investigation has the unknown status "${status}"`, { facts: { investigation: id } })
}
