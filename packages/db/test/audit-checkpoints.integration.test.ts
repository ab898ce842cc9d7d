import { createHmac } from 'node:crypto'
import { TestClock } from '@cidadao/contracts'
import { capturingLogger, eventually } from '@cidadao/testing'
import { describe, expect, it } from 'vitest'
import { AnchorUnavailableError } from '../src/audit/anchors/anchor-errors.ts'
import { parseCosignerKey } from '../src/audit/anchors/cosignature.ts'
import { createWitnessAnchor } from '../src/audit/anchors/witness-anchor.ts'
import { CheckpointStore } from '../src/audit/checkpoints/checkpoint-store.ts'
import { createCheckpointer } from '../src/audit/checkpoints/checkpointer.ts'
import { exportAuditLog } from '../src/audit/export/audit-export.ts'
import { verifyCheckpoint } from '../src/audit/transparency/checkpoint.ts'
import { createNoteSigner, parseVerifierKey } from '../src/audit/transparency/note-key.ts'
import { verifyNote } from '../src/audit/transparency/signed-note.ts'
import { openAuditDatabase } from './fixtures/audit-database.ts'
import { logIn, memoryAnchor, openCheckpointedLog, ORIGIN, signer } from './fixtures/checkpointed-log.ts'
import { startWitness } from './fixtures/witness-server.ts'

const SOON = { deadlineMs: 20_000 }

describe('a checkpoint', () => {
  it('covers every entry, is signed by the log, stored, and put to each anchor', async () => {
    const log = await openCheckpointedLog(25)
    const anchors = [memoryAnchor('one'), memoryAnchor('two')]
    const checkpointer = log.checkpointer({ anchors })
    expect(await checkpointer.runOnce()).toBe('signed')
    expect(await checkpointer.runOnce()).toBe('current')
    await log.append(5)
    expect(await checkpointer.runOnce()).toBe('signed')
    expect(await log.stored()).toEqual([
      [25, 0],
      [30, 25],
    ])
    for (const { notes } of anchors) {
      const [first = '', second = ''] = notes
      expect(notes).toHaveLength(2)
      expect(verifyCheckpoint(first, signer.vkey)).toMatchObject({ outcome: 'verified', checkpoint: { origin: ORIGIN, size: 25 } })
      const verdict = await log.log.verify(log.pool, { checkpoint: second, vkey: signer.vkey })
      expect(verdict).toMatchObject({ ok: true, anchoredTo: 30, unanchored: 0 })
    }
    const store = new CheckpointStore()
    expect(await store.covering(log.pool, 26)).toMatchObject({ size: 30, note: anchors[0]?.notes[1] })
    expect(await store.covering(log.pool, 25)).toMatchObject({ size: 25 })
    expect(await store.covering(log.pool, 31)).toBeUndefined()
    expect(await store.newest(log.pool, 30)).toMatchObject({ size: 30 })
    expect(await store.newest(log.pool, 31)).toBeUndefined()
  })

  it('is not made of a log that was never opened', async () => {
    const database = await openAuditDatabase()
    try {
      expect(await logIn(database.url, database.pool).checkpointer().runOnce()).toBe('empty')
    } finally {
      await database.close()
    }
  })

  it('is refused without an anchor outside of the database, and without the key of the log (pitfall 18)', async () => {
    const sql = { query: () => Promise.reject(new Error('not asked')) }
    const parts = { sql, origin: ORIGIN, signers: [signer], anchors: [memoryAnchor()] }
    const foreign = createNoteSigner('audit.example/other', Buffer.alloc(32, 1))
    for (const [broken, field] of [
      [{ anchors: [] }, 'anchors'],
      [{ anchors: [memoryAnchor(), memoryAnchor()] }, 'anchors'],
      [{ signers: [foreign] }, 'signers'],
      [{ intervalMs: 0 }, 'intervalMs'],
      [{ pollIntervalMs: 90_000 }, 'pollIntervalMs'],
      [{ initialRetryMs: 9, maxRetryMs: 8 }, 'maxRetryMs'],
    ] as const) {
      expect(() => createCheckpointer({ ...parts, ...broken })).toThrow(field)
    }
  })

  it('is accepted from nobody who has only the public key, as an HMAC with it would be (pitfall 19)', async () => {
    const log = await openCheckpointedLog(3)
    const anchor = memoryAnchor()
    await log.checkpointer({ anchors: [anchor] }).runOnce()
    const [note = ''] = anchor.notes
    const [text = ''] = note.split('\n\n')
    const publicKey = Buffer.from(signer.vkey.split('+').slice(2).join('+'), 'base64').subarray(1)
    const mac = createHmac('sha512', publicKey).update(`${text}\n`).digest()
    const forged = `${text}\n\n— ${ORIGIN} ${Buffer.concat([Buffer.from(signer.keyId, 'hex'), mac]).toString('base64')}\n`
    expect(verifyCheckpoint(note, signer.vkey)).toMatchObject({ outcome: 'verified' })
    expect(verifyCheckpoint(forged, signer.vkey)).toMatchObject({ outcome: 'refused' })
  })
})

describe('the cadence', () => {
  it('is the interval, or many entries, or the end', async () => {
    const log = await openCheckpointedLog(3)
    const clock = new TestClock()
    const anchor = memoryAnchor()
    const checkpointer = log.checkpointer({ anchors: [anchor], clock, intervalMs: 60_000, pollIntervalMs: 5_000, maxEntries: 50 })
    let rounds = 0
    const poll = async (byMs: number): Promise<void> => {
      // The next look is planned once the last one has ended, which takes the database's time and not the clock's.
      await eventually(() => expect(clock.pendingTimers).toBe(1), SOON)
      rounds += 1
      await clock.advance(byMs)
      await eventually(() => expect(clock.pendingTimers, `round ${rounds}`).toBe(1), SOON)
    }
    await checkpointer.start()
    await poll(0)
    expect(anchor.sizes()).toEqual([3])
    await log.append(49)
    // Noticed at 5 s, so due at 65 s.
    for (let second = 5; second <= 60; second += 5) await poll(5_000)
    expect(anchor.sizes()).toEqual([3])
    await poll(5_000)
    expect(anchor.sizes()).toEqual([3, 52])
    await log.append(50)
    await poll(5_000)
    expect(anchor.sizes()).toEqual([3, 52, 102])
    for (let second = 0; second < 120; second += 5) await poll(5_000)
    await log.append(1)
    await checkpointer.stop()
    expect(anchor.sizes()).toEqual([3, 52, 102, 103])
    expect(clock.pendingTimers).toBe(0)
    await checkpointer.start()
    await checkpointer.stop()
    expect(anchor.sizes()).toEqual([3, 52, 102, 103])
  })

  it('does not let stopping wait longer than its deadline for an anchor that hangs', async () => {
    const log = await openCheckpointedLog(3)
    const anchor = memoryAnchor()
    const logger = capturingLogger()
    const checkpointer = log.checkpointer({ anchors: [anchor], stopDeadlineMs: 300, anchorDeadlineMs: 60_000, logger })
    await checkpointer.runOnce()
    await checkpointer.start()
    await log.append(1)
    anchor.trouble = () => new Promise(() => {})
    const startedMs = performance.now()
    await checkpointer.stop()
    expect(performance.now() - startedMs).toBeLessThan(20_000)
    expect(anchor.sizes()).toEqual([3])
    expect(logger.lines.map(({ message }) => message)).toContain('the last audit checkpoint was not made in time')
  })
})

describe('an anchor that fails', () => {
  it('does not hold up the others, is tried again with growing pauses, is seen, and catches up', async () => {
    const log = await openCheckpointedLog(10)
    const clock = new TestClock()
    const [good, bad] = [memoryAnchor('good'), memoryAnchor('bad')]
    const checkpointer = log.checkpointer({ anchors: [good, bad], clock, initialRetryMs: 10_000, maxRetryMs: 30_000 })
    const failures: number[] = []
    const anchored: string[] = []
    checkpointer.events.on('anchor-failed', ({ anchor, code, retryInMs }) =>
      failures.push(anchor === 'bad' && code !== '' ? retryInMs : -1),
    )
    checkpointer.events.on('anchored', ({ anchor, size }) => anchored.push(`${anchor} ${size}`))
    bad.trouble = (call) => {
      if (call === 'put') throw new AnchorUnavailableError('bad', 'is down')
    }
    const poll = async (byMs: number): Promise<void> => {
      await eventually(() => expect(clock.pendingTimers).toBe(1), SOON)
      await clock.advance(byMs)
      await eventually(() => expect(clock.pendingTimers).toBe(1), SOON)
    }
    await checkpointer.start()
    await poll(0)
    expect(good.sizes()).toEqual([10])
    expect(checkpointer.stats()).toMatchObject({
      condition: { state: 'working' },
      unanchoredEntries: 0,
      anchors: [
        { name: 'good', size: 10, failures: 0, code: null },
        { name: 'bad', size: 0, failures: 1, code: 'DB_AUDIT_ANCHOR_UNAVAILABLE' },
      ],
    })
    await log.append(1)
    for (let second = 0; second < 120; second += 5) await poll(5_000)
    expect(good.sizes()).toEqual([10, 11])
    expect(failures.slice(0, 5)).toEqual([10_000, 20_000, 30_000, 30_000, 30_000])
    bad.trouble = undefined
    for (let second = 0; second < 30; second += 5) await poll(5_000)
    // The newest covers those that were missed.
    expect(bad.sizes()).toEqual([11])
    expect(anchored).toEqual(['good 10', 'good 11', 'bad 11'])
    expect(checkpointer.stats().anchors[1]).toEqual({ name: 'bad', size: 11, failures: 0, code: null })
  })

  it('is given up on after its deadline', async () => {
    const log = await openCheckpointedLog(10)
    const [good, bad] = [memoryAnchor('good'), memoryAnchor('bad')]
    bad.trouble = () => new Promise(() => {})
    const checkpointer = log.checkpointer({ anchors: [good, bad], anchorDeadlineMs: 200 })
    expect(await checkpointer.runOnce()).toBe('signed')
    expect(good.sizes()).toEqual([10])
    expect(checkpointer.stats().anchors[1]).toMatchObject({ code: 'DB_AUDIT_ANCHOR_UNAVAILABLE', failures: 1 })
  })

  it('and is the only one lets nothing be signed, and the age of what no anchor covers grows', async () => {
    const log = await openCheckpointedLog(10)
    const anchor = memoryAnchor()
    const clock = new TestClock(new Date())
    const checkpointer = log.checkpointer({ anchors: [anchor], clock })
    await checkpointer.runOnce()
    await log.append(2)
    anchor.trouble = () => {
      throw new AnchorUnavailableError('memory', 'is down')
    }
    await expect(checkpointer.runOnce()).rejects.toMatchObject({ code: 'DB_AUDIT_ANCHOR_UNAVAILABLE' })
    expect(await log.stored()).toEqual([[10, 0]])
    clock.jumpWallClock(3_600_000)
    anchor.trouble = (call) => {
      if (call === 'put') throw new AnchorUnavailableError('memory', 'is full')
    }
    expect(await checkpointer.runOnce()).toBe('signed')
    const { unanchoredEntries, oldestUnanchoredMs, entries, signed } = checkpointer.stats()
    expect({ unanchoredEntries, entries, signed: signed?.size }).toEqual({ unanchoredEntries: 2, entries: 12, signed: 12 })
    expect(Math.abs(oldestUnanchoredMs - 3_600_000)).toBeLessThan(60_000)
  })

  it('or holds what no key of the log signed does not take part, and says so', async () => {
    const log = await openCheckpointedLog(10)
    const [good, bad] = [memoryAnchor('good'), memoryAnchor('bad', ['anything\n\n— x AAAAAAAA\n'])]
    const checkpointer = log.checkpointer({ anchors: [good, bad] })
    expect(await checkpointer.runOnce()).toBe('signed')
    expect(good.sizes()).toEqual([10])
    expect(bad.notes).toHaveLength(1)
    expect(checkpointer.stats().anchors[1]).toMatchObject({ code: 'DB_AUDIT_ANCHOR_REFUSED', size: 0 })
  })
})

describe('witnesses', () => {
  it('get their proofs from the log, and their signatures are served with the note', async () => {
    const log = await openCheckpointedLog(300)
    const witness = await startWitness({ logKey: signer.vkey })
    try {
      const anchors = [memoryAnchor(), createWitnessAnchor(witness)]
      const checkpointer = log.checkpointer({ anchors })
      await checkpointer.runOnce()
      await log.append(77)
      await checkpointer.runOnce()
      expect(witness.seen()?.size).toBe(377)
      const served = await new CheckpointStore().covering(log.pool, 301)
      const verdict = verifyNote(served?.note ?? '', [parseVerifierKey(signer.vkey), parseCosignerKey(witness.vkey)])
      expect(verdict).toMatchObject({ outcome: 'verified', signers: [{ name: ORIGIN }, { name: 'witness.example/w1' }] })
      // Another process, which knows nothing of what the witness has seen.
      await log.append(1)
      expect(await log.checkpointer({ anchors: [memoryAnchor('late'), createWitnessAnchor(witness)] }).runOnce()).toBe('signed')
      expect(witness.seen()?.size).toBe(378)
    } finally {
      await witness.close()
    }
  })
})

describe('a change of the key', () => {
  const next = createNoteSigner(ORIGIN, Buffer.alloc(32, 21))

  it('goes over one checkpoint that both sign; every checkpoint stays verifiable, and the list of keys is what counts', async () => {
    const log = await openCheckpointedLog(10)
    const anchor = memoryAnchor()
    const runWith = async (signers: readonly (typeof signer)[], formerKeys: readonly string[] = []): Promise<unknown> => {
      await log.append(1)
      return log.checkpointer({ anchors: [anchor], signers, formerKeys }).runOnce()
    }
    await runWith([signer])
    await runWith([next, signer])
    await runWith([next], [signer.vkey])
    expect(anchor.sizes()).toEqual([11, 12, 13])
    const outcomes = [signer.vkey, next.vkey].map((vkey) => anchor.notes.map((note) => verifyCheckpoint(note, vkey).outcome))
    expect(outcomes).toEqual([
      ['verified', 'verified', 'refused'],
      ['refused', 'verified', 'verified'],
    ])
    for (const [index, vkey] of [signer.vkey, signer.vkey, next.vkey].entries()) {
      const verdict = await log.log.verify(log.pool, { checkpoint: anchor.notes[index] ?? '', vkey })
      expect(verdict).toMatchObject({ ok: true, anchoredTo: 11 + index })
    }
  })

  it('at once is possible too, but not without naming the former key', async () => {
    const log = await openCheckpointedLog(10)
    const anchor = memoryAnchor()
    await log.checkpointer({ anchors: [anchor] }).runOnce()
    await log.append(1)
    // Neither the anchor nor the database has anything that the new key alone would believe.
    const forgetful = log.checkpointer({ anchors: [anchor, memoryAnchor('empty')], signers: [next] })
    await expect(forgetful.runOnce()).rejects.toMatchObject({ code: 'DB_AUDIT_HISTORY_BROKEN', kind: 'signature', source: 'database' })
    expect(await log.checkpointer({ anchors: [anchor], signers: [next], formerKeys: [signer.vkey] }).runOnce()).toBe('signed')
    expect(anchor.sizes()).toEqual([10, 11])
  })
})

describe('checkpointers at once', () => {
  it('sign one history between them: each checkpoint continues one other', async () => {
    const log = await openCheckpointedLog(5)
    const anchors = [memoryAnchor('one'), memoryAnchor('two')]
    const checkpointers = Array.from({ length: 4 }, () => log.checkpointer({ anchors }))
    const outcomes: string[] = []
    for (let round = 0; round < 12; round += 1) {
      const append = log.append(3)
      outcomes.push(...(await Promise.all(checkpointers.map((checkpointer) => checkpointer.runOnce()))))
      await append
    }
    await checkpointers[0]?.runOnce()
    const stored = await log.stored()
    expect(stored.map(([, previous]) => previous)).toEqual([0, ...stored.map(([size]) => size).slice(0, -1)])
    expect(stored.at(-1)?.[0]).toBe(41)
    expect(outcomes.filter((outcome) => outcome === 'signed').length).toBeGreaterThan(3)
    for (const { notes, sizes } of anchors) {
      expect(Math.max(...sizes())).toBe(41)
      for (const note of notes) expect(await log.log.verify(log.pool, { checkpoint: note, vkey: signer.vkey })).toMatchObject({ ok: true })
    }
  })
})

describe('a log that was pruned', () => {
  it('goes on being signed by a process that never saw the entries removed, also beside an anchor that holds an older checkpoint', async () => {
    const log = await openCheckpointedLog(12)
    const [late, current] = [memoryAnchor('late'), memoryAnchor('current')]
    await log.checkpointer({ anchors: [late, current] }).runOnce()
    await log.append(8)
    await log.checkpointer({ anchors: [current] }).runOnce()
    await log.append(5)
    const checkpoint = current.notes.at(-1) ?? ''
    const archive = exportAuditLog(log.pool, { origin: ORIGIN, to: 20, checkpoints: async () => checkpoint, vkeys: [signer.vkey] })
    const pruned = { to: 20, checkpoint, vkeys: [signer.vkey], archive, actor: { kind: 'system' } as const }
    expect(await log.log.prune(log.pool, pruned)).toMatchObject({ prunedTo: 20, removed: 20 })
    expect(await log.checkpointer({ anchors: [late, current] }).runOnce()).toBe('signed')
    expect(current.sizes()).toEqual([12, 20, 26])
    expect(late.sizes()).toEqual([12, 26])
  })
})
