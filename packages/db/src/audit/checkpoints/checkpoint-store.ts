import type { SqlExecutor } from '../../sql-executor.ts'

/** A signed checkpoint as the database keeps it. */
export interface StoredCheckpoint {
  readonly size: number
  /** With the signatures that witnesses added since. */
  readonly note: string
  readonly createdAt: Date
}

/** Where the log ends and what of it is signed, of one snapshot. */
export interface LogProgress {
  /** Number of the newest entry; 0 while the log is not open. */
  readonly headSeq: number
  readonly newest: StoredCheckpoint | undefined
  /** Time of the first entry after the size that was asked for; undefined where there is none. */
  readonly oldestAfter: Date | undefined
}

interface CheckpointRow {
  readonly size: string | null
  readonly note: string | null
  readonly created_at: Date | null
}

interface ProgressRow extends CheckpointRow {
  readonly head_seq: string | null
  readonly oldest_after: Date | null
}

const NOTE = `held.note || coalesce((SELECT string_agg(added.line || E'\\n', '' ORDER BY added.created_at, added.line)
        FROM audit_cosignatures AS added WHERE added.size = held.size), '')`

/** The signed checkpoints in the database: to serve them, and to go on from the newest. They prove nothing by themselves. */
export class CheckpointStore {
  async progress(sql: SqlExecutor, after: number): Promise<LogProgress> {
    const { rows } = await sql.query<ProgressRow>({
      name: 'audit_checkpoint_progress',
      text: `SELECT (SELECT seq FROM audit_head) AS head_seq, newest.*,
          (SELECT entry."timestamp" FROM audit_logs AS entry WHERE entry.seq = $1::bigint + 1) AS oldest_after
        FROM (SELECT 1) AS one LEFT JOIN LATERAL (
          SELECT held.size, ${NOTE} AS note, held.created_at FROM audit_checkpoints AS held ORDER BY held.size DESC LIMIT 1
        ) AS newest ON TRUE`,
      values: [after],
    })
    const [row] = rows
    return {
      headSeq: Number(row?.head_seq ?? 0),
      newest: row === undefined ? undefined : toStored(row),
      oldestAfter: row?.oldest_after ?? undefined,
    }
  }

  /** The smallest checkpoint that covers `size` entries: what an entry is proved against. */
  async covering(sql: SqlExecutor, size: number): Promise<StoredCheckpoint | undefined> {
    const { rows } = await sql.query<CheckpointRow>({
      name: 'audit_checkpoint_covering',
      text: `SELECT held.size, ${NOTE} AS note, held.created_at FROM audit_checkpoints AS held WHERE held.size >= $1 ORDER BY held.size LIMIT 1`,
      values: [size],
    })
    return rows[0] === undefined ? undefined : toStored(rows[0])
  }

  /** The newest checkpoint, if it covers `atLeast` entries. */
  async newest(sql: SqlExecutor, atLeast = 1): Promise<StoredCheckpoint | undefined> {
    const { newest } = await this.progress(sql, 0)
    return newest === undefined || newest.size < atLeast ? undefined : newest
  }

  /** Stores the successor of the checkpoint at `previous` (0 for the first); `overtaken` where another process was faster. */
  async add(
    sql: SqlExecutor,
    next: { readonly previous: number; readonly size: number; readonly note: string },
  ): Promise<'stored' | 'overtaken'> {
    const { rows } = await sql.query<{ readonly added: boolean }>({
      name: 'audit_checkpoint_add',
      text: 'SELECT audit_checkpoint_add($1, $2, $3) AS added',
      values: [next.previous, next.size, next.note],
    })
    return rows[0]?.added === true ? 'stored' : 'overtaken'
  }

  /** Adds signature lines of witnesses to the checkpoint of `size`. */
  async cosign(sql: SqlExecutor, size: number, lines: readonly string[]): Promise<void> {
    await sql.query({ name: 'audit_checkpoint_cosign', text: 'SELECT audit_checkpoint_cosign($1, $2::text[])', values: [size, lines] })
  }
}

function toStored({ size, note, created_at: createdAt }: CheckpointRow): StoredCheckpoint | undefined {
  return size === null || note === null || createdAt === null ? undefined : { size: Number(size), note, createdAt }
}
