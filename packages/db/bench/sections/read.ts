import type { BenchRow } from '@cidadao/workspace/bench-report'
import { SELECT } from '../bare-statements.ts'
import type { BenchServer } from '../bench-server.ts'
import { completedDraft } from '../drafts.ts'
import { inLanes, takeTurns } from '../rounds.ts'

const STORED = 200

/** By id, with its results. */
export async function readRows({ db, bare, prisma, quick }: BenchServer): Promise<BenchRow[]> {
  const ids: string[] = []
  for (let n = 0; n < STORED; n += 1) ids.push((await db.investigations.save(completedDraft())).id)
  const rows: BenchRow[] = []
  for (const clients of [1, 8]) {
    const size = quick ? 50 : 200
    const each = (read: (id: string) => Promise<unknown>) => () => inLanes(clients, size, (n) => read(ids[n % STORED] ?? ''))
    rows.push(
      ...(await takeTurns(
        `read, ${clients} at a time`,
        [
          { name: 'bare prepared SELECT', size, round: each((id) => bare.query({ ...SELECT, values: [id] })) },
          { name: 'get', size, atLeast: 0.9, round: each((id) => db.investigations.get(id)) },
          { name: 'prisma.findUnique', size, round: each((id) => prisma.investigation.findUnique({ where: { id } })) },
        ],
        quick ? 1 : 41,
      )),
    )
  }
  return rows
}
