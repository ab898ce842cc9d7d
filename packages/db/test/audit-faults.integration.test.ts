import { startPostgres } from '@cidadao/testing'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDirectoryAnchor } from '../src/audit/anchors/directory-anchor.ts'
import { createFileAnchor } from '../src/audit/anchors/file-anchor.ts'
import { createAuditBatcher } from '../src/audit/batching/audit-batcher.ts'
import { generateSignerKey, parseSignerKey } from '../src/audit/keys/signer-key.ts'
import { createDatabase } from '../src/index.ts'
import { startAuditChild } from './fixtures/audit-child.ts'
import { openCheckpointedLog, ORIGIN, temporaryFolder, type CheckpointedLog } from './fixtures/checkpointed-log.ts'

interface Told {
  readonly seq: number
  readonly id: string
}

function toldBy(lines: readonly string[]): Told[] {
  return lines.map((line) => {
    const [seq = '', id = ''] = line.split(' ')
    return { seq: Number(seq), id }
  })
}

async function requireWhole(log: CheckpointedLog, acknowledged: readonly Told[]): Promise<number> {
  const verdict = await log.log.verify(log.pool)
  const { rows } = await log.pool.query<{ seq: string; id: string }>('SELECT seq, id FROM audit_logs ORDER BY seq')
  expect(verdict).toMatchObject({ ok: true, checked: rows.length })
  expect(rows.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: rows.length }, (_, n) => n + 1))
  const stored = new Map(rows.map(({ seq, id }) => [id, Number(seq)]))
  for (const { seq, id } of acknowledged) expect(stored.get(id), `entry ${seq}`).toBe(seq)
  return rows.length
}

describe('eight processes that append', () => {
  it('of which two are killed leave no fork and no gap, and every entry that was acknowledged', async () => {
    const log = await openCheckpointedLog(1)
    const writers = Array.from({ length: 8 }, (_, n) =>
      startAuditChild('audit-writer-process.ts', { url: log.url, origin: ORIGIN, name: `writer${n}` }),
    )
    const busy = async (count: number): Promise<void> => {
      const { rows } = await log.pool.query<{ writers: number }>(
        'SELECT count(*)::int AS writers FROM (SELECT agent_name FROM audit_logs GROUP BY 1 HAVING count(*) >= $1) AS busy WHERE agent_name <> $2',
        [count, 'system'],
      )
      if ((rows[0]?.writers ?? 0) < 8) await new Promise((resolve) => setTimeout(resolve, 20)).then(() => busy(count))
    }
    await busy(5)
    await Promise.all(writers.slice(0, 2).map((writer) => writer.kill()))
    const { rows } = await log.pool.query<{ size: number }>('SELECT max(seq)::int AS size FROM audit_logs')
    const atKill = rows[0]?.size ?? 0
    // The others go on: whoever was killed held the log's lock no longer than its connection.
    for (;;) {
      const now = await log.pool.query<{ size: number }>('SELECT max(seq)::int AS size FROM audit_logs')
      if ((now.rows[0]?.size ?? 0) > atKill + 100) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (const { child } of writers.slice(2)) child.send('over')
    await Promise.all(writers.slice(2).map((writer) => writer.ended()))
    const acknowledged = writers.map((writer) => toldBy(writer.lines()))
    expect(acknowledged.every((told) => told.length > 0)).toBe(true)
    const size = await requireWhole(log, acknowledged.flat())
    // A killed writer may have committed one last transaction that it could tell nobody of.
    expect(size - 1 - acknowledged.flat().length).toBeLessThanOrEqual(2 * 3)
  }, 120_000)
})

describe('a server that is killed', () => {
  it('while batches are on their way keeps every entry that was acknowledged; the log goes on behind them', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const db = createDatabase({
      url: server.url(),
      auditOrigin: ORIGIN,
      pool: { size: 2, maxOverflow: 2 },
      resilience: { initialDelayMs: 20, maxDelayMs: 100, breakAfter: 1_000 },
    })
    await db.start()
    onTestFinished(() => db.stop())
    const batcher = createAuditBatcher({ sql: db.sql, log: db.audit, maxBatch: 10, lingerMs: 1 })
    await batcher.start()
    const acknowledged: Told[] = []
    let rejected = 0
    const appends: Promise<void>[] = []
    const client = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        await batcher.append({ actor: { kind: 'system' }, action: 'load.wrote', data: { n } }).then(
          (receipt) => acknowledged.push(receipt),
          () => (rejected += 1),
        )
      }
    }
    for (let n = 0; n < 20; n += 1) appends.push(client(30))
    while (acknowledged.length < 60) await new Promise((resolve) => setTimeout(resolve, 5))
    await server.kill()
    await server.restart()
    await Promise.all(appends)
    await batcher.append({ actor: { kind: 'system' }, action: 'load.ended' })
    await batcher.stop()
    const pool = new pg.Pool({ connectionString: server.url() })
    pool.on('error', () => {})
    onTestFinished(() => pool.end())
    const log = { log: db.audit, pool } as unknown as CheckpointedLog
    const size = await requireWhole(log, acknowledged)
    expect(acknowledged.length + rejected).toBe(600)
    // At most what was on its way when the server died is there without having been acknowledged.
    expect(size - 2 - acknowledged.length).toBeLessThanOrEqual(rejected)
    expect(rejected).toBeGreaterThan(0)
  }, 120_000)
})

describe('a checkpointer that is killed', () => {
  const PLACES: readonly (readonly [place: string, left: readonly (readonly [number, number])[]])[] = [
    ['before audit_checkpoint_add', []],
    ['after audit_checkpoint_add', [[30, 0]]],
    ['before file', [[30, 0]]],
    ['after file', [[30, 0]]],
    ['before directory', [[30, 0]]],
    ['after directory', [[30, 0]]],
  ]

  it.each(PLACES)(
    '%s leaves nothing that the next one does not mend',
    async (stopAt, left) => {
      const log = await openCheckpointedLog(30)
      const folder = await temporaryFolder()
      const key = generateSignerKey(ORIGIN)
      const input = { url: log.url, origin: ORIGIN, key, folder }
      const killed = startAuditChild('checkpointer-process.ts', { ...input, stopAt })
      await killed.told(stopAt)
      await killed.kill()
      expect(await log.stored()).toEqual(left)
      const grow = stopAt.startsWith('after')
      if (grow) await log.append(3)
      const next = startAuditChild('checkpointer-process.ts', { ...input, stopAt: 'nowhere' })
      await next.ended()
      expect(next.lines()).toEqual([left.length === 0 || grow ? 'signed' : 'current'])
      const size = grow ? 33 : 30
      const signal = AbortSignal.timeout(10_000)
      for (const anchor of [createFileAnchor({ path: `${folder}/notes.jsonl` }), createDirectoryAnchor({ path: `${folder}/notes` })]) {
        const head = await anchor.latest({ known: undefined, signal })
        if (head.kind !== 'note') throw new Error(`${anchor.name} holds nothing`)
        const verdict = await log.log.verify(log.pool, { checkpoint: head.note, vkey: parseSignerKey(key).vkey })
        expect(verdict, anchor.name).toMatchObject({ ok: true, anchoredTo: size, unanchored: 0 })
      }
    },
    60_000,
  )

  it('or two at once, in processes of their own, sign one history', async () => {
    const log = await openCheckpointedLog(30)
    const folder = await temporaryFolder()
    const input = { url: log.url, origin: ORIGIN, key: generateSignerKey(ORIGIN), folder, stopAt: 'nowhere' }
    const children = Array.from({ length: 3 }, () => startAuditChild('checkpointer-process.ts', input))
    await Promise.all(children.map((child) => child.ended()))
    const outcomes = children.flatMap((child) => child.lines())
    expect(outcomes.filter((outcome) => outcome === 'signed')).toHaveLength(1)
    expect(await log.stored()).toEqual([[30, 0]])
  }, 60_000)
})
