import { TestClock } from '@cidadao/contracts'
import { eventually } from '@cidadao/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AnchorUnavailableError } from '../src/audit/anchors/anchor-errors.ts'
import { createAuditWatch, type AuditWatch } from '../src/audit/verification/audit-watch.ts'
import type { AuditWatchEvents } from '../src/audit/verification/watch-events.ts'
import type { AuditWatchOptions } from '../src/audit/verification/watch-options.ts'
import type { SqlExecutor } from '../src/sql-executor.ts'
import { memoryAnchor, openCheckpointedLog, signer, type CheckpointedLog } from './fixtures/checkpointed-log.ts'

const EDIT = `UPDATE audit_logs SET payload = replace(payload, '"n":', '"m":') WHERE seq`

function watchOf(log: CheckpointedLog, options: Partial<AuditWatchOptions> = {}): AuditWatch {
  const watch = createAuditWatch({ sql: log.pool, log: log.log, vkeys: [signer.vkey], ...options })
  onTestFinished(() => watch.stop())
  return watch
}

describe('the scheduled verification', () => {
  it('reads everything first, and then only what is new, against the newest checkpoint of the anchors', async () => {
    const log = await openCheckpointedLog(20)
    const anchors = [memoryAnchor('one'), memoryAnchor('two')]
    await log.checkpointer({ anchors }).runOnce()
    await log.append(4)
    await log.checkpointer({ anchors: anchors.slice(1) }).runOnce()
    await log.append(1)
    const watch = watchOf(log, { anchors })
    const first = await watch.runOnce()
    expect(first).toMatchObject({
      mode: 'full',
      against: { anchor: 'two', size: 24 },
      verdict: { ok: true, checked: 25, anchoredTo: 24, unanchored: 1 },
    })
    await log.append(6)
    // The anchors have nothing newer than what was verified.
    expect(await watch.runOnce()).toMatchObject({ mode: 'incremental', verdict: { ok: true, checked: 6, anchoredTo: 24, unanchored: 7 } })
    await log.checkpointer({ anchors }).runOnce()
    expect(await watch.runOnce()).toMatchObject({ mode: 'incremental', verdict: { ok: true, checked: 0, anchoredTo: 31, unanchored: 0 } })
    expect(await watch.runOnce('full')).toMatchObject({ mode: 'full', verdict: { ok: true, checked: 31, anchoredTo: 31 } })
    expect(watch.stats()).toMatchObject({
      running: null,
      fault: null,
      error: null,
      lastFull: { mode: 'full' },
      lastIncremental: { mode: 'incremental' },
    })
  })

  it('tells a fault, keeps it in view, and drops it only where a verification that would meet it finds none', async () => {
    const log = await openCheckpointedLog(20)
    const watch = watchOf(log)
    const told: AuditWatchEvents['fault'][] = []
    watch.events.on('fault', (event) => told.push(event))
    await watch.runOnce()
    await log.attack(`${EDIT} = 5`)
    await log.append(1)
    // What was verified is not read again before the night.
    expect(await watch.runOnce()).toMatchObject({ verdict: { ok: true, checked: 1 } })
    expect(await watch.runOnce('full')).toMatchObject({ verdict: { ok: false, kind: 'leaf', firstBadSeq: 5 } })
    expect(await watch.runOnce()).toMatchObject({ verdict: { ok: true } })
    expect(watch.stats().fault).toMatchObject({ mode: 'full', verdict: { kind: 'leaf', firstBadSeq: 5 } })
    await log.append(2)
    await log.attack(`${EDIT} = 23`)
    expect(await watch.runOnce()).toMatchObject({ mode: 'incremental', verdict: { ok: false, kind: 'leaf', firstBadSeq: 23 } })
    expect(told.map(({ firstBadSeq }) => firstBadSeq)).toEqual([5, 23])
    expect(watch.stats().fault).toMatchObject({ mode: 'full' })
    await log.attack(`UPDATE audit_logs SET payload = replace(payload, '"m":', '"n":') WHERE seq IN (5, 23)`)
    expect(await watch.runOnce('full')).toMatchObject({ verdict: { ok: true, checked: 23 } })
    expect(watch.stats().fault).toBeNull()
  })

  it('finds a cut tail by the anchor, and by what it has seen itself', async () => {
    const log = await openCheckpointedLog(20)
    const anchor = memoryAnchor()
    const watch = watchOf(log)
    await watch.runOnce()
    await log.checkpointer({ anchors: [anchor] }).runOnce()
    await log.attack(
      'DELETE FROM audit_logs WHERE seq > 15',
      'UPDATE audit_head SET seq = 15, hash_chain = (SELECT hash_chain FROM audit_logs WHERE seq = 15)',
    )
    expect(await watchOf(log).runOnce()).toMatchObject({ verdict: { ok: true, checked: 15 }, against: null })
    expect(await watchOf(log, { anchors: [anchor] }).runOnce()).toMatchObject({ verdict: { ok: false, kind: 'short', firstBadSeq: 16 } })
    expect(await watch.runOnce()).toMatchObject({ mode: 'incremental', verdict: { ok: false, kind: 'short', firstBadSeq: 16 } })
  })

  it('verifies without an anchor that is down or holds what nobody trusted signed, and says what it was compared with', async () => {
    const log = await openCheckpointedLog(20)
    const [good, down, foreign] = [memoryAnchor('good'), memoryAnchor('down'), memoryAnchor('foreign', ['x\n\n— x AAAAAAAA\n'])]
    await log.checkpointer({ anchors: [good] }).runOnce()
    down.trouble = () => {
      throw new AnchorUnavailableError('down', 'is down')
    }
    expect(await watchOf(log, { anchors: [down, foreign, good] }).runOnce()).toMatchObject({
      against: { anchor: 'good' },
      verdict: { ok: true },
    })
    expect(await watchOf(log, { anchors: [down, foreign] }).runOnce()).toMatchObject({
      against: null,
      verdict: { ok: true, anchoredTo: 0 },
    })
  })

  it('comes every few minutes and, at its hour, in full, one after the other', async () => {
    const log = await openCheckpointedLog(5)
    const clock = new TestClock(new Date('2026-03-01T03:58:00Z'))
    const watch = watchOf(log, { clock, intervalMs: 300_000, startDelayMs: 1_000, fullAtHourUtc: 4 })
    const modes: string[] = []
    watch.events.on('verified', ({ mode }) => modes.push(`${clock.now().toISOString().slice(8, 16)} ${mode}`))
    const until = async (count: number, byMs: number): Promise<void> => {
      await eventually(() => expect(clock.pendingTimers).toBe(1), { deadlineMs: 20_000 })
      await clock.advance(byMs)
      await eventually(() => expect(modes).toHaveLength(count), { deadlineMs: 20_000 })
    }
    await watch.start()
    await until(1, 1_000)
    await until(2, 119_000)
    await until(3, 300_000)
    await until(4, 300_000)
    expect(modes).toEqual(['01T03:58 full', '01T04:00 full', '01T04:05 incremental', '01T04:10 incremental'])
    await watch.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('that cannot look says so and comes again; one that is stopped ends', async () => {
    const log = await openCheckpointedLog(5)
    let isDown = true
    const direct: SqlExecutor = log.pool
    const sql: SqlExecutor = {
      query: (query, values) => (isDown ? Promise.reject(new Error('down')) : direct.query(query, values)),
    }
    const watch = watchOf(log, { sql })
    const failures: string[] = []
    watch.events.on('failed', ({ mode, code }) => failures.push(`${mode} ${code}`))
    await expect(watch.runOnce()).rejects.toThrow('down')
    expect(watch.stats()).toMatchObject({ error: 'Error', running: null })
    isDown = false
    expect(await watch.runOnce()).toMatchObject({ verdict: { ok: true } })
    expect(watch.stats().error).toBeNull()
    expect(failures).toEqual(['full Error'])
    const over = new AbortController()
    over.abort(new Error('enough'))
    await expect(watch.runOnce('full', over.signal)).rejects.toThrow('enough')
  })

  it.each([
    ['intervalMs', { intervalMs: 0 }],
    ['fullAtHourUtc', { fullAtHourUtc: 24 }],
    ['startDelayMs', { startDelayMs: -1 }],
    ['anchorDeadlineMs', { anchorDeadlineMs: 0 }],
  ])('refuses a %s that cannot work', (field, options) => {
    const log = { origin: 'audit.example/x', verify: () => Promise.reject(new Error('not asked')) }
    const parts = { sql: { query: () => Promise.reject(new Error('not asked')) }, log, vkeys: [] }
    expect(() => createAuditWatch({ ...parts, ...options })).toThrow(field)
  })
})
