import type { SqlExecutor } from '../sql-executor.ts'

/** The fields of one entry whose values were erased. The entry itself, and the commitments in it, stay. */
export interface ErasedOpenings {
  /** Number of the entry. */
  readonly entry: number
  readonly fields: readonly string[]
}

interface ErasedRow {
  readonly seq: string
  readonly fields: string[]
}

/**
 * Erases what opens the commitments of all entries of an investigation: the personal data in its part of the log. Tells
 * what was erased, by number and field, for the entry that the caller appends about it in the same transaction.
 */
export async function deleteOpeningsOf(tx: SqlExecutor, investigation: string): Promise<readonly ErasedOpenings[]> {
  const { rows } = await tx.query<ErasedRow>({
    name: 'audit_erase_investigation',
    text: `WITH erased AS (
        DELETE FROM audit_private USING audit_logs
        WHERE audit_logs.id = audit_private.entry_id AND audit_logs.investigation_id = $1
        RETURNING audit_logs.seq, audit_private.field
      )
      SELECT seq, array_agg(field ORDER BY field) AS fields FROM erased GROUP BY seq ORDER BY seq`,
    values: [investigation],
  })
  return rows.map(({ seq, fields }) => ({ entry: Number(seq), fields }))
}
