import type { SqlExecutor } from '../sql-executor.ts'
import type { OutboxDraft } from './cache-invalidation.ts'

/** Rows of one statement: about a megabyte of names at the very most of the usual ones. */
const ROWS_A_STATEMENT = 100

const WRITE = `
INSERT INTO cache_outbox (namespace, target, names)
SELECT namespace, target, names FROM json_to_recordset($1::json) AS row (namespace text, target text, names text[])`

/** Writes rows in the transaction that `sql` is bound to, in the order given. */
export async function writeOutbox(sql: SqlExecutor, drafts: readonly OutboxDraft[]): Promise<void> {
  for (let start = 0; start < drafts.length; start += ROWS_A_STATEMENT) {
    const rows = JSON.stringify(drafts.slice(start, start + ROWS_A_STATEMENT))
    await sql.query({ name: 'outbox.write', text: WRITE, values: [rows] })
  }
}
