import type { SqlExecutor } from '../sql-executor.ts'
import type { LongTransaction } from './outbox-relay-events.ts'

const ROWS_A_SWEEP = 1_000
/** A sweep is part of the relay's turn; what is left over comes with the next. */
const MAX_SWEEPS = 20

const SWEEP = `
DELETE FROM cache_outbox WHERE id IN (
  SELECT row.id FROM cache_outbox row, cache_outbox_position at
  WHERE at.id = 1 AND CASE
    WHEN row.refused_at IS NOT NULL THEN row.refused_at < clock_timestamp() - make_interval(secs => $2::double precision / 1000)
    ELSE row.created_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
      AND pg_visible_in_snapshot(row.xid, at.delivered)
  END
  ORDER BY row.xid, row.id
  LIMIT $3
  FOR UPDATE OF row SKIP LOCKED
)`

export interface OutboxRetention {
  readonly retentionMs: number
  readonly refusedRetentionMs: number
}

/** Deletes what was delivered long ago, in small steps. Says how many rows. */
export async function sweepOutbox(sql: SqlExecutor, { retentionMs, refusedRetentionMs }: OutboxRetention): Promise<number> {
  let swept = 0
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep += 1) {
    const { rowCount } = await sql.query({ name: 'outbox.sweep', text: SWEEP, values: [retentionMs, refusedRetentionMs, ROWS_A_SWEEP] })
    swept += rowCount ?? 0
    if ((rowCount ?? 0) < ROWS_A_SWEEP) break
  }
  return swept
}

// Only transactions that have written: others cannot hold an invalidation.
const OLDEST = `
SELECT pid, application_name AS "applicationName", coalesce(state, 'unknown') AS state,
  (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::double precision AS "ageMs"
FROM pg_stat_activity
WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
  AND xact_start < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
ORDER BY xact_start
LIMIT 1`

/** The oldest transaction that is open for longer than allowed, if any. */
export async function findLongTransaction(sql: SqlExecutor, longerThanMs: number): Promise<LongTransaction | undefined> {
  const { rows } = await sql.query<LongTransaction>({ name: 'outbox.long-transaction', text: OLDEST, values: [longerThanMs] })
  return rows[0]
}

const REDELIVER = `UPDATE cache_outbox SET xid = pg_current_xact_id(), refused_at = NULL, refusal = NULL WHERE refused_at IS NOT NULL`

/** Lets all that was set aside come again. Says how many rows. */
export async function redeliverRefused(sql: SqlExecutor): Promise<number> {
  return (await sql.query({ name: 'outbox.redeliver', text: REDELIVER })).rowCount ?? 0
}
