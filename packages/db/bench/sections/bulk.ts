import type { BenchRow } from '@cidadao/workspace/bench-report'
import type pg from 'pg'
import { MERGE, UPDATED_COLUMNS, valuesOf } from '../bare-statements.ts'
import type { BenchServer } from '../bench-server.ts'
import { copyIn } from '../copy-in.ts'
import { completedDraft } from '../drafts.ts'
import { takeTurns } from '../rounds.ts'
import { prismaData, prismaUpsert } from './save.ts'

type Draft = ReturnType<typeof completedDraft>

const COLUMNS = ['id', 'user_id', 'query', 'status', ...UPDATED_COLUMNS.slice(1), 'created_at'].join(', ')

/** Many at once. The slow ways get fewer rows: what counts is the time of one. */
export async function bulkRows({ db, bare, prisma, quick }: BenchServer): Promise<BenchRow[]> {
  const many = quick ? 500 : 10_000
  const few = quick ? 50 : 200
  let drafts: Draft[] = []
  const fresh = (count: number) => async (): Promise<void> => {
    drafts = Array.from({ length: count }, completedDraft)
  }
  return takeTurns(
    `${many.toLocaleString('en')} × 0.9 KB`,
    [
      { name: 'COPY + merge', size: many, prepare: fresh(many), round: () => copyAndMerge(bare, drafts) },
      { name: 'saveMany', atLeast: 0.8, size: many, prepare: fresh(many), round: () => db.investigations.saveMany(drafts) },
      { name: 'saveMany, atomic', size: many, prepare: fresh(many), round: () => db.investigations.saveMany(drafts, { atomic: true }) },
      {
        name: `prisma.createMany (${few})`,
        size: few,
        prepare: fresh(few),
        round: () => prisma.investigation.createMany({ data: drafts.map(prismaData) as never }),
      },
      {
        name: `prisma.upsert in a loop (${few})`,
        size: few,
        prepare: fresh(few),
        round: async () => {
          for (const draft of drafts) await prismaUpsert(prisma, draft)
        },
      },
    ],
    quick ? 1 : 5,
  )
}

async function copyAndMerge(pool: pg.Pool, drafts: readonly Draft[]): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('CREATE TEMPORARY TABLE incoming (LIKE investigations INCLUDING DEFAULTS) ON COMMIT DROP')
    await copyIn(
      client,
      `COPY incoming (${COLUMNS}) FROM STDIN`,
      drafts.map((draft) => [...valuesOf(draft), draft.completedAt]),
    )
    await client.query(`INSERT INTO investigations (${COLUMNS}) SELECT ${COLUMNS} FROM incoming ORDER BY id ${MERGE} RETURNING id, version`)
    await client.query('COMMIT')
  } finally {
    client.release()
  }
}
