import { SchemaMismatchError } from '../errors/statement-errors.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import type { OutboxMessage } from './outbox-message.ts'
import type { OutboxLag } from './outbox-relay-events.ts'

/*
 * How the relay knows what is new. A row's number and its transaction's number are handed out before the commit, so a
 * row with a lower one may appear after a row with a higher one was read. The position is therefore a snapshot of the
 * server, which knows exactly which transactions had ended: `delivered`. A pass takes a second snapshot, `target`, and
 * walks the rows that `target` sees and `delivered` does not, in order of (xid, id). At its end `target` is `delivered`.
 *
 * A transaction that stays open for long holds nothing up: it is listed in the snapshots as not ended, others go on.
 */

/** Where a pass stands; snapshots and transaction numbers as the server prints them. */
export interface OutboxPosition {
  readonly delivered: string
  readonly target: string
  readonly cursorXid: string
  readonly cursorId: string
  /** Whether the numbers were handed out by another server than this one. */
  readonly foreign: boolean
}

const FOREIGN = `(pg_snapshot_xmax(delivered) > pg_snapshot_xmax(pg_current_snapshot())
    OR system_identifier <> (SELECT system_identifier FROM pg_control_system()))`

/**
 * Rows after the position, whoever finds them; `at` is the position's row. The upper bound takes nothing away: beside the
 * lower one it tells a planner without statistics, as it mostly is with a queue, that few rows are meant.
 */
const UNDELIVERED = `row.refused_at IS NULL
    AND row.xid >= pg_snapshot_xmin(at.delivered) AND row.xid < pg_snapshot_xmax(pg_current_snapshot())
    AND NOT pg_visible_in_snapshot(row.xid, at.delivered)
    AND (at.target IS NULL OR NOT pg_visible_in_snapshot(row.xid, at.target) OR (row.xid, row.id) > (at.cursor_xid, at.cursor_id))`

/** More are not counted: a look must stay cheap, above all when much is waiting. */
const MAX_COUNTED = 1_000

const LOOK = `
SELECT ${FOREIGN} AS foreign, waiting.messages, waiting.oldest_ms,
  (SELECT count(*)::integer FROM (
    SELECT 1 FROM cache_outbox WHERE refused_at IS NOT NULL ORDER BY refused_at LIMIT ${MAX_COUNTED}
  ) set_aside) AS refused
FROM cache_outbox_position at, LATERAL (
  SELECT count(*)::integer AS messages,
    coalesce(greatest(0, extract(epoch FROM clock_timestamp() - min(created_at)) * 1000), 0)::double precision AS oldest_ms
  FROM (SELECT created_at FROM cache_outbox row WHERE ${UNDELIVERED} ORDER BY row.xid, row.id LIMIT ${MAX_COUNTED}) first
) waiting
WHERE at.id = 1`

interface LookRow {
  readonly foreign: boolean
  readonly messages: number
  readonly oldest_ms: number
  readonly refused: number
}

/** What waits. One read without a lock, for the pauses between passes. */
export async function look(sql: SqlExecutor): Promise<OutboxLag & { readonly foreign: boolean }> {
  const { rows } = await sql.query<LookRow>({ name: 'outbox.look', text: LOOK })
  const [row] = rows
  if (row === undefined) throw new SchemaMismatchError('the row of cache_outbox_position is missing: was the table emptied?')
  return { messages: row.messages, oldestMs: row.oldest_ms, refused: row.refused, foreign: row.foreign }
}

const LOCK = 'SELECT 1 FROM cache_outbox_position WHERE id = 1 FOR UPDATE SKIP LOCKED'

// A statement of its own: one that waits for a lock sees the row as it is then, but the snapshot as it was before.
const READ = `
SELECT delivered::text, coalesce(target, pg_current_snapshot())::text AS target,
  coalesce(cursor_xid, pg_snapshot_xmin(delivered))::text AS "cursorXid", coalesce(cursor_id, 0)::text AS "cursorId",
  ${FOREIGN} AS foreign
FROM cache_outbox_position WHERE id = 1`

/** Takes the position for this transaction; undefined where another relay has it. */
export async function takePosition(tx: SqlExecutor): Promise<OutboxPosition | undefined> {
  const { rowCount } = await tx.query({ name: 'outbox.lock', text: LOCK })
  if (rowCount === 0) return undefined
  return (await tx.query<OutboxPosition>({ name: 'outbox.position', text: READ })).rows[0]
}

export type BatchRow = OutboxMessage & { readonly xid: string }

// Qualified, since a bare name in ORDER BY means the column that is returned, and as text 1000 comes before 999.
const BATCH = `
SELECT row.id::text, row.xid::text, namespace, target, names, created_at AS "createdAt"
FROM cache_outbox row
WHERE xid >= $1::text::xid8 AND (xid, id) > ($1::text::xid8, $2::bigint) AND xid < pg_snapshot_xmax($3::text::pg_snapshot)
  AND pg_visible_in_snapshot(xid, $3::text::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $4::text::pg_snapshot)
  AND refused_at IS NULL
ORDER BY row.xid, row.id
LIMIT $5`

/** The next rows of the pass. Fewer than `limit` are its last. */
export async function readBatch(tx: SqlExecutor, position: OutboxPosition, limit: number): Promise<readonly BatchRow[]> {
  const { cursorXid, cursorId, target, delivered } = position
  return (await tx.query<BatchRow>({ name: 'outbox.batch', text: BATCH, values: [cursorXid, cursorId, target, delivered, limit] })).rows
}

const MOVE = `UPDATE cache_outbox_position
SET target = $1::text::pg_snapshot, cursor_xid = $2::text::xid8, cursor_id = $3::bigint WHERE id = 1`

/** The pass goes on after `last`. */
export async function moveTo(tx: SqlExecutor, position: OutboxPosition, last: BatchRow): Promise<void> {
  await tx.query({ name: 'outbox.move', text: MOVE, values: [position.target, last.xid, last.id] })
}

const FINISH = `UPDATE cache_outbox_position
SET delivered = $1::text::pg_snapshot, target = NULL, cursor_xid = NULL, cursor_id = NULL WHERE id = 1`

/** The pass is over. */
export async function finishPass(tx: SqlExecutor, position: OutboxPosition): Promise<void> {
  await tx.query({ name: 'outbox.finish', text: FINISH, values: [position.target] })
}

const RESTAMP = 'UPDATE cache_outbox SET xid = pg_current_xact_id() WHERE refused_at IS NULL'

// Everything below the oldest running transaction, ours included, has ended, and its rows carry our number now.
const RESTART = `UPDATE cache_outbox_position
SET delivered = format('%s:%s:', pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmin(pg_current_snapshot()))::pg_snapshot,
  target = NULL, cursor_xid = NULL, cursor_id = NULL, system_identifier = (SELECT system_identifier FROM pg_control_system())
WHERE id = 1`

/** After a restore on another server: all rows that are there are to be delivered, once more or for the first time. */
export async function restartHistory(tx: SqlExecutor): Promise<number> {
  const { rowCount } = await tx.query({ name: 'outbox.restamp', text: RESTAMP })
  await tx.query({ name: 'outbox.restart', text: RESTART })
  return rowCount ?? 0
}
