import type { SqlExecutor, SqlStatement } from '../sql-executor.ts'
import type { PreparedEntry } from './audit-entry.ts'
import type { StoredEntry } from './chain-replay.ts'

export interface OpenRow {
  readonly origin: string
  readonly seq: string
  readonly opened: boolean
}

export interface AppendRow {
  readonly seq: string
  readonly leaf_hash: string
  readonly hash_chain: string
}

export interface CountRow {
  readonly count: string
}

/** Everything as text: a driver that turned `data` or the time into objects would lose what is to be checked. */
export interface EntryRow {
  readonly seq: string
  readonly payload: string
  readonly leaf_hash: string
  readonly prev_hash: string
  readonly hash_chain: string
  readonly id: string
  readonly investigation_id: string | null
  readonly agent_name: string
  readonly action: string
  readonly ts: string
  readonly data: string
}

const ENTRY_COLUMNS = `seq, payload, leaf_hash, prev_hash, hash_chain, id::text AS id, investigation_id, agent_name, action,
  to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ts, data::text AS data`

export function openStatement(origin: string, opening: PreparedEntry): SqlStatement {
  return {
    name: 'audit_open',
    text: 'SELECT origin, seq, opened FROM audit_open($1, $2)',
    values: [origin, opening.payload],
  }
}

/** One statement, so one round trip; the openings of commitments are stored by it too. */
export function appendStatement(entries: readonly PreparedEntry[]): SqlStatement {
  const payloads = entries.map((entry) => entry.payload)
  const openings = entries.flatMap(({ id, openings: own }) =>
    own.map(({ field, salt, valueJson }) => ({ entry_id: id, field, salt: Buffer.from(salt).toString('hex'), value: valueJson })),
  )
  const appended = 'SELECT seq, leaf_hash, hash_chain FROM audit_append($1::text[])'
  if (openings.length === 0) return { name: 'audit_append', text: appended, values: [payloads] }
  return {
    name: 'audit_append_private',
    text: `WITH private AS (
        INSERT INTO audit_private (entry_id, field, salt, value)
        SELECT opening.entry_id, opening.field, decode(opening.salt, 'hex'), opening.value
        FROM json_to_recordset($2::json) AS opening (entry_id uuid, field text, salt text, value text)
      )
      ${appended}`,
    values: [payloads, JSON.stringify(openings)],
  }
}

/** How many rows stand at or below `last`, those without a number included. */
export function countStatement(last: number): SqlStatement {
  return { name: 'audit_count', text: 'SELECT count(*) FROM audit_logs WHERE seq <= $1 OR seq IS NULL', values: [last] }
}

/**
 * Up to `limit` entries after `after`, not beyond `to`. Asks for that many numbers and no more: with the whole rest in
 * the condition, a planner whose statistics are old sorts the rest of the log for each batch.
 */
export async function readEntries(sql: SqlExecutor, after: number, to: number, limit: number): Promise<readonly EntryRow[]> {
  const near = Math.min(to, after + limit)
  const { rows } = await sql.query<EntryRow>(rangeStatement(after, near, limit))
  if (rows.length > 0 || near === to) return rows
  // As many as a batch are missing: what stands behind the gap is still to be shown.
  return (await sql.query<EntryRow>(rangeStatement(after, to, limit))).rows
}

/** By key: no offset, no cursor held open. */
export function rangeStatement(after: number, to: number, limit: number): SqlStatement {
  return {
    name: 'audit_range',
    text: `SELECT ${ENTRY_COLUMNS} FROM audit_logs WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3`,
    values: [after, to, limit],
  }
}

/** Served by the index on (investigation_id, seq). */
export function investigationStatement(investigation: string, after: number, limit: number): SqlStatement {
  return {
    name: 'audit_investigation',
    text: `SELECT ${ENTRY_COLUMNS} FROM audit_logs WHERE investigation_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
    values: [investigation, after, limit],
  }
}

export function toStoredEntry(row: EntryRow): StoredEntry {
  const { payload, id, action, ts, leaf_hash: leafHash, prev_hash: prevHash, hash_chain: hashChain } = row
  const columns = { id, investigation: row.investigation_id, agent: row.agent_name, action, ts, dataJson: row.data }
  return { seq: Number(row.seq), payload, leafHash, prevHash, hashChain, columns }
}
