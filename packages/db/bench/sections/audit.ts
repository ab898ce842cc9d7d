import { ratioRow, type BenchRow } from '@cidadao/workspace/bench-report'
import { readEntries } from '../../src/audit/audit-statements.ts'
import { createAuditBatcher, type AuditEntry } from '../../src/index.ts'
import { bareAppend, barePayload } from '../bare-statements.ts'
import type { BenchServer } from '../bench-server.ts'
import { appendGenerated } from '../generated-log.ts'
import { inLanes, median, takeTurns } from '../rounds.ts'

const BATCH = 50
const READ_AT_ONCE = 1_000
/** Seen on two cores while the log was designed; a ratio of 1 is as fast. */
const VERIFIED_PER_SECOND = 18_600

const ENTRY: AuditEntry = {
  actor: { kind: 'system' },
  action: 'investigation.completed',
  investigation: 'inv_bench',
  outcome: 'success',
  data: { anomalies: 5 },
}
const ENTRIES = Array.from({ length: BATCH }, () => ENTRY)
const PLAIN = { name: 'plain-insert', text: 'INSERT INTO bench_plain_log (payload) VALUES ($1)' }

/** Appending, against a table without chain, checks and order. */
export async function auditRows(server: BenchServer): Promise<BenchRow[]> {
  const { db, bare, quick } = server
  await bare.query(`
    CREATE TABLE bench_plain_log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL, at timestamptz NOT NULL DEFAULT now())`)
  const rows: BenchRow[] = []
  for (const clients of [1, 8]) {
    const calls = clients * (quick ? 1 : 4)
    const singles = calls * 4
    const each =
      (append: () => Promise<unknown>, count = calls) =>
      () =>
        inLanes(clients, count, append)
    rows.push(
      ...(await takeTurns(
        `audit, ${clients} at a time`,
        [
          { name: 'plain insert', size: singles, round: each(() => bare.query({ ...PLAIN, values: [barePayload('inv_bench')] }), singles) },
          { name: 'bare audit_append(1)', size: singles, round: each(() => bareAppend(bare, [barePayload('inv_bench')]), singles) },
          { name: 'append(1)', size: singles, round: each(() => db.audit.append(db.sql, [ENTRY]), singles) },
          {
            name: `bare audit_append(${BATCH}), an entry`,
            size: calls * BATCH,
            round: each(() =>
              bareAppend(
                bare,
                Array.from({ length: BATCH }, () => barePayload('inv_bench')),
              ),
            ),
          },
          { name: `append(${BATCH}), an entry`, size: calls * BATCH, round: each(() => db.audit.append(db.sql, ENTRIES)) },
        ],
        quick ? 1 : 15,
      )),
    )
  }
  return [...rows, ...(await batcherRows(server)), ...(await verifyRows(server))]
}

/** Many callers with an entry each, none of which belongs to a change: one commit for each, and one for as many as come together. */
async function batcherRows({ db, quick }: BenchServer): Promise<BenchRow[]> {
  const batcher = createAuditBatcher({ sql: db.sql, log: db.audit })
  await batcher.start()
  try {
    const [few, many] = quick ? [8, 100] : [32, 500]
    return await takeTurns(
      'audit, 100 callers',
      [
        { name: 'append(1)', size: few, round: () => inLanes(100, few, () => db.audit.append(db.sql, [ENTRY])) },
        { name: 'batcher', size: many, round: () => inLanes(100, many, () => batcher.append(ENTRY)) },
      ],
      quick ? 1 : 15,
    )
  } finally {
    await batcher.stop()
  }
}

/** Verifying, beside reading the same columns and throwing them away. */
async function verifyRows({ db, bare, quick }: BenchServer): Promise<BenchRow[]> {
  await appendGenerated(bare, quick ? 1_000 : 20_000)
  const { rows: tail } = await bare.query<{ seq: string }>('SELECT seq FROM audit_head')
  const size = Number(tail[0]?.seq)
  const readAll = async (): Promise<void> => {
    for (let after = 0; after < size; after += READ_AT_ONCE) await readEntries(bare, after, size, READ_AT_ONCE)
  }
  const rates: number[] = []
  const verify = async (): Promise<void> => {
    const startedMs = performance.now()
    const verification = await db.audit.verify(db.sql)
    if (!verification.ok) throw new Error(`the bench's own log is broken: ${verification.detail}`)
    rates.push(verification.checked / ((performance.now() - startedMs) / 1_000))
  }
  const rows = await takeTurns(
    'audit, an entry',
    [
      { name: 'read', size, round: readAll },
      { name: 'verify', size, round: verify },
    ],
    quick ? 1 : 5,
  )
  const rate = median(rates)
  const seen = `audit: verify, to ${VERIFIED_PER_SECOND.toLocaleString('en')}/s`
  return [...rows, ratioRow(seen, `${Math.round(rate).toLocaleString('en')}/s`, rate / VERIFIED_PER_SECOND, { atLeast: 1 })]
}
