import type { SqlExecutor, SqlStatement } from '../sql-executor.ts'
import { PRUNED_COLUMNS, PRUNED_JOIN, toPrunedLog, type PrunedLog, type PrunedRow } from './prune/pruned-log.ts'

/** Both ends of the log, as the database states them. */
export interface LogTail {
  readonly head: { readonly origin: string; readonly seq: number; readonly hashChain: string } | null
  readonly lastSeq: number
  /** What was pruned before the first entry that is left. */
  readonly pruned: PrunedLog | undefined
}

interface TailRow extends PrunedRow {
  readonly origin: string | null
  readonly head_seq: string | null
  readonly head_hash: string | null
  readonly last_seq: string
}

/** Head row, last entry and first place of one snapshot: read one after the other, an append between them would look like a fault. */
function tailStatement(): SqlStatement {
  return {
    name: 'audit_tail',
    text: `SELECT head.origin, head.seq AS head_seq, head.hash_chain AS head_hash, last.seq AS last_seq, ${PRUNED_COLUMNS}
      FROM (SELECT coalesce(max(seq), 0) AS seq FROM audit_logs) AS last LEFT JOIN audit_head AS head ON TRUE ${PRUNED_JOIN}`,
  }
}

export async function readTail(sql: SqlExecutor): Promise<LogTail> {
  const { rows } = await sql.query<TailRow>(tailStatement())
  const [row] = rows
  if (row === undefined) throw new Error('the database gave no answer about the end of the audit log')
  const { origin, head_seq: headSeq, head_hash: hashChain } = row
  const head = origin === null || headSeq === null || hashChain === null ? null : { origin, seq: Number(headSeq), hashChain }
  return { head, lastSeq: Number(row.last_seq), pruned: toPrunedLog(row) }
}
