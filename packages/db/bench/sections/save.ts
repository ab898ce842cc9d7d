import type { BenchRow } from '@cidadao/workspace/bench-report'
import type { AuditEntry } from '../../src/index.ts'
import { bareUpsert, bareUpsertWithAudit } from '../bare-statements.ts'
import type { BenchServer } from '../bench-server.ts'
import { completedDraft } from '../drafts.ts'
import { inLanes, takeTurns } from '../rounds.ts'

/** One investigation at a time, new ones, by one client and by eight. */
export async function saveRows({ db, bare, prisma, quick }: BenchServer): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const clients of [1, 8]) {
    const size = (quick ? 5 : 25) * (clients === 1 ? 1 : 2)
    const each = (save: (draft: ReturnType<typeof completedDraft>) => Promise<unknown>) => () =>
      inLanes(clients, size, () => save(completedDraft()))
    rows.push(
      ...(await takeTurns(
        `save, ${clients} at a time`,
        [
          { name: 'bare UPSERT + audit append', size, round: each((draft) => bareUpsertWithAudit(bare, draft)) },
          {
            name: 'save with audit',
            size,
            atLeast: 0.8,
            round: each((draft) => db.investigations.save(draft, { audit: entryOf(draft.id) })),
          },
          { name: 'bare UPSERT', size, round: each((draft) => bareUpsert(bare, draft)) },
          { name: 'save', against: 'bare UPSERT', size, round: each((draft) => db.investigations.save(draft)) },
          { name: 'prisma.upsert', against: 'bare UPSERT', size, round: each((draft) => prismaUpsert(prisma, draft)) },
        ],
        quick ? 1 : 25,
      )),
    )
  }
  return rows
}

function entryOf(investigation: string): AuditEntry {
  return { actor: { kind: 'system' }, action: 'investigation.completed', investigation, outcome: 'success', data: { anomalies: 5 } }
}

export function prismaUpsert(prisma: BenchServer['prisma'], draft: ReturnType<typeof completedDraft>): Promise<unknown> {
  const data = prismaData(draft)
  return prisma.investigation.upsert({ where: { id: draft.id }, create: data, update: data })
}

type PrismaData = Parameters<BenchServer['prisma']['investigation']['create']>[0]['data']

export function prismaData(draft: ReturnType<typeof completedDraft>): PrismaData & { readonly id: string } {
  const { completedAt = null } = draft
  return { ...draft, ...(completedAt === null ? {} : { createdAt: completedAt }) } as PrismaData & { readonly id: string }
}
