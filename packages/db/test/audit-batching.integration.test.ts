import { TestClock } from '@cidadao/contracts'
import { eventually } from '@cidadao/testing'
import type pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AuditEntry } from '../src/audit/audit-entry.ts'
import { AuditLog } from '../src/audit/audit-log.ts'
import { createAuditBatcher, type AuditBatcher, type AuditBatcherOptions } from '../src/audit/batching/audit-batcher.ts'
import type { SqlExecutor, SqlStatement } from '../src/sql-executor.ts'
import { openCheckpointedLog, type CheckpointedLog } from './fixtures/checkpointed-log.ts'

const ENTRY: AuditEntry = { actor: { kind: 'human', id: 'u_1' }, action: 'report.viewed' }
const SOON = { deadlineMs: 20_000 }

interface Wire extends SqlExecutor {
  /** Entries of each batch sent. */
  readonly batches: number[]
  /** Holds statements back until it resolves. */
  gate: Promise<void>
}

function wireOf(pool: pg.Pool): Wire {
  const batches: number[] = []
  const direct: SqlExecutor = pool
  const wire: Wire = {
    batches,
    gate: Promise.resolve(),
    query: async (query, values) => {
      const [payloads] = (query as SqlStatement).values ?? []
      batches.push((payloads as unknown[]).length)
      await wire.gate
      return direct.query(query, values)
    },
  }
  return wire
}

async function startedBatcher(
  log: CheckpointedLog,
  options: Partial<AuditBatcherOptions> = {},
): Promise<{ batcher: AuditBatcher; wire: Wire }> {
  const wire = wireOf(log.pool)
  const batcher = createAuditBatcher({ sql: wire, log: log.log, ...options })
  onTestFinished(() => batcher.stop())
  await batcher.start()
  return { batcher, wire }
}

function append(batcher: AuditBatcher, count: number): Promise<{ readonly seq: number }>[] {
  return Array.from({ length: count }, (_, n) => batcher.append({ ...ENTRY, data: { n } }))
}

describe('the batcher', () => {
  it('sends many at once, in the order given, and tells each caller where its entry stands once it is committed', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher, wire } = await startedBatcher(log)
    const told: number[] = []
    batcher.events.on('appended', ({ entries }) => told.push(entries))
    const receipts = await Promise.all(append(batcher, 120))
    expect(receipts.map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, n) => n + 2))
    expect(wire.batches).toEqual([50, 50, 20])
    expect(told).toEqual([50, 50, 20])
    const { rows } = await log.pool.query<{ n: number }>(`SELECT (data ->> 'n')::int AS n FROM audit_logs WHERE seq > 1 ORDER BY seq`)
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 120 }, (_, n) => n))
    expect(await log.log.verify(log.pool)).toMatchObject({ ok: true, checked: 121 })
    expect(batcher.stats()).toEqual({ waiting: 0, appended: 120, failed: 0, refused: 0 })
  })

  it('lets a single entry wait for its company only so long', async () => {
    const log = await openCheckpointedLog(1)
    const clock = new TestClock()
    const { batcher, wire } = await startedBatcher(log, { clock })
    const [first, second] = append(batcher, 2)
    await clock.advance(9)
    expect(wire.batches).toEqual([])
    await clock.advance(1)
    expect(wire.batches).toEqual([2])
    expect((await Promise.all([first, second])).map((receipt) => receipt?.seq)).toEqual([2, 3])
    expect(clock.pendingTimers).toBe(0)
  })

  it('has one batch on its way at a time; what comes meanwhile goes together after it', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher, wire } = await startedBatcher(log)
    const held = Promise.withResolvers<void>()
    wire.gate = held.promise
    const first = append(batcher, 50)
    const later = append(batcher, 30)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(wire.batches).toEqual([50])
    held.resolve()
    await Promise.all([...first, ...later])
    expect(wire.batches).toEqual([50, 30])
  })

  it('refuses what would not fit, and takes entries again once there is room', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher, wire } = await startedBatcher(log, { maxWaiting: 60 })
    const held = Promise.withResolvers<void>()
    wire.gate = held.promise
    const refused: number[] = []
    batcher.events.on('refused', ({ waiting }) => refused.push(waiting))
    const taken = append(batcher, 60)
    await expect(batcher.append(ENTRY)).rejects.toMatchObject({ code: 'DB_AUDIT_QUEUE_FULL', effect: 'none', facts: { waiting: 60 } })
    expect(batcher.stats()).toMatchObject({ waiting: 60, refused: 1 })
    expect(refused).toEqual([60])
    held.resolve()
    await Promise.all(taken)
    await batcher.append(ENTRY)
    expect(await log.log.verify(log.pool)).toMatchObject({ ok: true, checked: 62 })
  })

  it('refuses an invalid entry at once, and its neighbours do not notice', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher, wire } = await startedBatcher(log)
    const before = append(batcher, 2)
    await expect(batcher.append({ ...ENTRY, action: 'no dots' })).rejects.toMatchObject({ code: 'DB_AUDIT_ENTRY_INVALID' })
    await expect(batcher.append({ ...ENTRY, data: { bad: Number.NaN } })).rejects.toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
    expect(wire.batches).toEqual([])
    await Promise.all(before)
    expect(wire.batches).toEqual([2])
  })

  it('keeps the openings of personal data', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher } = await startedBatcher(log)
    await Promise.all([batcher.append({ ...ENTRY, personal: { cpf: '111.444.777-35' } }), batcher.append(ENTRY)])
    expect((await log.pool.query('SELECT field FROM audit_private')).rows).toEqual([{ field: 'cpf' }])
  })

  it('fails the callers of a failed batch and nobody else: what they were about to do is not to be done (pitfall 26)', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher, wire } = await startedBatcher(log)
    const told: string[] = []
    batcher.events.on('batch-failed', ({ code, entries }) => told.push(`${code} ${entries}`))
    wire.gate = Promise.reject(Object.assign(new Error('the line is down'), { code: 'DOWN' }))
    wire.gate.catch(() => {})
    const failing = append(batcher, 50)
    const outcomes = await Promise.allSettled(failing)
    expect(outcomes.every((outcome) => outcome.status === 'rejected' && (outcome.reason as Error).message === 'the line is down')).toBe(
      true,
    )
    wire.gate = Promise.resolve()
    expect(await batcher.append(ENTRY)).toMatchObject({ seq: 2 })
    expect(told).toEqual(['DOWN 50'])
    expect(batcher.stats()).toEqual({ waiting: 0, appended: 1, failed: 50, refused: 0 })
  })

  it('sends what waits when it is stopped, and takes nothing more', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher } = await startedBatcher(log, { lingerMs: 1_000 })
    const waiting = append(batcher, 70)
    await batcher.stop()
    expect((await Promise.all(waiting)).map(({ seq }) => seq).at(-1)).toBe(71)
    await expect(batcher.append(ENTRY)).rejects.toMatchObject({ code: 'DB_AUDIT_BATCHER_CLOSED' })
    await batcher.stop()
    await batcher.start()
    expect(await Promise.all([batcher.append(ENTRY), batcher.stop()])).toMatchObject([{ seq: 72 }, undefined])
  })

  it('leaves nobody waiting when it is stopped and the database does not answer', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher, wire } = await startedBatcher(log, { stopDeadlineMs: 100 })
    const held = Promise.withResolvers<void>()
    onTestFinished(() => held.resolve())
    wire.gate = held.promise
    const waiting = append(batcher, 70)
    const outcomes = Promise.allSettled(waiting)
    await batcher.stop()
    const codes = (await outcomes).map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'committed',
    )
    expect(new Set(codes.slice(0, 50))).toEqual(new Set(['DB_AUDIT_BATCH_ABANDONED']))
    expect(new Set(codes.slice(50))).toEqual(new Set(['DB_AUDIT_BATCHER_CLOSED']))
  })

  it('waits in the same queue as transactions that append, and forks nothing', async () => {
    const log = await openCheckpointedLog(1)
    const { batcher } = await startedBatcher(log)
    const rival = async (): Promise<void> => {
      for (let n = 0; n < 20; n += 1) await log.append(2)
    }
    await Promise.all([rival(), rival(), ...append(batcher, 200)])
    expect(await log.log.verify(log.pool)).toMatchObject({ ok: true, checked: 281 })
  })

  it.each([
    ['lingerMs', { lingerMs: -1 }],
    ['maxBatch', { maxBatch: 0 }],
    ['maxWaiting', { maxWaiting: 49 }],
    ['stopDeadlineMs', { stopDeadlineMs: 0 }],
  ])('refuses a %s that cannot work', (field, options) => {
    const parts = { sql: { query: () => Promise.reject(new Error('not asked')) }, log: new AuditLog({ origin: 'audit.example/unused' }) }
    expect(() => createAuditBatcher({ ...parts, ...options })).toThrow(field)
  })

  it('is not open before it is started', async () => {
    const log = await openCheckpointedLog(1)
    const batcher = createAuditBatcher({ sql: log.pool, log: log.log })
    await expect(batcher.append(ENTRY)).rejects.toMatchObject({ code: 'DB_AUDIT_BATCHER_CLOSED' })
    await batcher.stop()
    await eventually(() => expect(batcher.stats().waiting).toBe(0), SOON)
  })
})
