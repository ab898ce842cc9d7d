import { createWitnessAnchor } from '../src/audit/anchors/witness-anchor.ts'
import { TestClock } from '@cidadao/contracts'
import { eventually } from '@cidadao/testing'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { CheckpointEvents } from '../src/audit/checkpoints/checkpoint-events.ts'
import type { Checkpointer } from '../src/audit/checkpoints/checkpointer.ts'
import { generateSignerKey, parseSignerKey } from '../src/audit/keys/signer-key.ts'
import { signCheckpoint } from '../src/audit/transparency/checkpoint.ts'
import { startWitness } from './fixtures/witness-server.ts'
import { backupOf, memoryAnchor, openCheckpointedLog, ORIGIN, signer, type CheckpointedLog } from './fixtures/checkpointed-log.ts'

const BROKEN = 'DB_AUDIT_HISTORY_BROKEN'
const EDIT = `UPDATE audit_logs SET payload = replace(payload, '"n":', '"m":') WHERE seq`

/** An honest log with a checkpoint at 20, and ten entries since. */
async function signedLog(): Promise<{
  readonly log: CheckpointedLog
  readonly anchor: ReturnType<typeof memoryAnchor>
  readonly running: Checkpointer
}> {
  const log = await openCheckpointedLog(20)
  const anchor = memoryAnchor()
  const running = log.checkpointer({ anchors: [anchor] })
  expect(await running.runOnce()).toBe('signed')
  await log.append(10)
  return { log, anchor, running }
}

describe('nothing is signed over a log that was altered (pitfall 21)', () => {
  it.each([2, 11, 20])('before the last checkpoint, with every hash made right again: entry %i', async (seq) => {
    const { log, anchor, running } = await signedLog()
    await log.attack(`${EDIT} = ${seq}`)
    await log.rehash(seq)
    expect(await log.log.verify(log.pool)).toMatchObject({ ok: true, checked: 30 })
    const afresh = log.checkpointer({ anchors: [anchor] })
    // Who has just begun has the signed root to compare with; who has run on also knows the last link.
    await expect(afresh.runOnce()).rejects.toMatchObject({ code: BROKEN, kind: 'root', source: 'database' })
    await expect(running.runOnce()).rejects.toMatchObject({ code: BROKEN, kind: 'link', source: 'log' })
    expect(afresh.stats().condition).toMatchObject({ state: 'history-broken', kind: 'root' })
    expect(await log.stored()).toEqual([[20, 0]])
    expect(anchor.sizes()).toEqual([20])
  })

  it.each([5, 20, 21, 30])('without its hashes, wherever: entry %i', async (seq) => {
    const { log, anchor } = await signedLog()
    await log.attack(`${EDIT} = ${seq}`)
    await expect(log.checkpointer({ anchors: [anchor] }).runOnce()).rejects.toMatchObject({ code: BROKEN, kind: 'leaf', source: 'log' })
    expect(await log.stored()).toEqual([[20, 0]])
  })

  it('after the last checkpoint and consistently, it is signed: that is the limit, and why checkpoints are frequent', async () => {
    const { log, anchor } = await signedLog()
    await log.attack(`${EDIT} = 25`)
    await log.rehash(25)
    expect(await log.checkpointer({ anchors: [anchor] }).runOnce()).toBe('signed')
  })

  it('not even when the checkpoints in the database are rewritten with it, as long as an anchor tells (pitfall 18)', async () => {
    const { log, anchor } = await signedLog()
    await log.attack(`${EDIT} = 11`, 'DELETE FROM audit_checkpoints')
    await log.rehash(11)
    // The database by itself is as good as new.
    expect(await log.log.verify(log.pool)).toMatchObject({ ok: true, checked: 30 })
    await expect(log.checkpointer({ anchors: [anchor] }).runOnce()).rejects.toMatchObject({ code: BROKEN, kind: 'root', source: 'memory' })
    expect(await log.stored()).toEqual([])
    // What the database alone can be made to believe, when its own anchor is forgotten.
    expect(await log.checkpointer({ anchors: [memoryAnchor('forgetful')] }).runOnce()).toBe('signed')
  })

  it('and the loss of the stored checkpoints alone is mended from the log and the anchors', async () => {
    const { log, anchor } = await signedLog()
    await log.attack('DELETE FROM audit_checkpoints')
    expect(await log.checkpointer({ anchors: [anchor] }).runOnce()).toBe('signed')
    expect(await log.stored()).toEqual([[30, 0]])
    expect(anchor.sizes()).toEqual([20, 30])
  })

  it('nor beside a stored checkpoint that somebody else signed, or that is of another size', async () => {
    const { log, anchor } = await signedLog()
    const stranger = parseSignerKey(generateSignerKey(ORIGIN))
    const foreign = signCheckpoint({ origin: ORIGIN, size: 25, root: Buffer.alloc(32) }, [stranger])
    const insert = (size: number, note: string): string =>
      `INSERT INTO audit_checkpoints (size, previous_size, note) VALUES (${size}, 20, '${note}')`
    await log.attack(insert(25, foreign))
    await expect(log.checkpointer({ anchors: [anchor] }).runOnce()).rejects.toMatchObject({
      code: BROKEN,
      kind: 'signature',
      source: 'database',
    })
    await log.attack('DELETE FROM audit_checkpoints WHERE size = 25', insert(26, anchor.notes[0] ?? ''))
    await expect(log.checkpointer({ anchors: [anchor] }).runOnce()).rejects.toMatchObject({
      code: BROKEN,
      kind: 'signature',
      source: 'database',
    })
  })
})

describe('a restored backup (pitfall 22)', () => {
  it('that is shorter than what was anchored is refused, told, and looked at again: the newer database mends it', async () => {
    const log = await openCheckpointedLog(20)
    const anchor = memoryAnchor()
    await log.checkpointer({ anchors: [anchor] }).runOnce()
    const backup = await backupOf(log)
    await log.append(10)
    await log.checkpointer({ anchors: [anchor] }).runOnce()
    const clock = new TestClock()
    const told: CheckpointEvents['history-broken'][] = []
    // The same program against the restored database, and later against the one that was lost.
    let pool: pg.Pool = backup.pool
    const sql = { query: (...args: Parameters<pg.Pool['query']>) => pool.query(...args) } as unknown as pg.Pool
    const checkpointer = log.checkpointer({ sql, anchors: [anchor], clock })
    checkpointer.events.on('history-broken', (event) => told.push(event))
    const poll = async (byMs: number): Promise<void> => {
      await eventually(() => expect(clock.pendingTimers).toBe(1), { deadlineMs: 20_000 })
      await clock.advance(byMs)
      await eventually(() => expect(clock.pendingTimers).toBe(1), { deadlineMs: 20_000 })
    }
    await checkpointer.start()
    await poll(0)
    expect(told).toMatchObject([{ kind: 'short', source: 'memory' }])
    expect(checkpointer.stats().condition).toMatchObject({ state: 'history-broken', kind: 'short', source: 'memory' })
    await backup.append(3)
    const callsBefore = anchor.calls
    for (let second = 5; second < 60; second += 5) await poll(5_000)
    expect(anchor.calls).toBe(callsBefore)
    await poll(5_000)
    expect(told).toHaveLength(2)
    expect(await backup.stored()).toEqual([[20, 0]])
    pool = log.pool
    await log.append(1)
    for (let second = 0; second < 65; second += 5) await poll(5_000)
    expect(checkpointer.stats().condition).toEqual({ state: 'working' })
    expect(anchor.sizes()).toEqual([20, 30, 31])
  })

  it.each([8, 10, 25])('that has grown again by %i entries is refused by a process that never saw the other', async (count) => {
    const log = await openCheckpointedLog(20)
    const anchor = memoryAnchor()
    await log.checkpointer({ anchors: [anchor] }).runOnce()
    const backup = await backupOf(log)
    await log.append(10)
    await log.checkpointer({ anchors: [anchor] }).runOnce()
    await backup.append(count)
    const kind = count < 10 ? 'short' : 'root'
    const restored = backup.checkpointer({ anchors: [anchor] })
    await expect(restored.runOnce()).rejects.toMatchObject({ code: BROKEN, kind, source: 'memory' })
    expect(await backup.stored()).toEqual([[20, 0]])
    expect(anchor.sizes()).toEqual([20, 30])
  })

  it('under a running process is refused by what that process has seen itself', async () => {
    const log = await openCheckpointedLog(20)
    const backup = await backupOf(log)
    const anchor = memoryAnchor()
    let pool: pg.Pool = log.pool
    const sql = { query: (...args: Parameters<pg.Pool['query']>) => pool.query(...args) } as unknown as pg.Pool
    const checkpointer = log.checkpointer({ sql, anchors: [anchor] })
    await log.append(10)
    await checkpointer.runOnce()
    anchor.notes.length = 0
    pool = backup.pool
    await expect(checkpointer.runOnce()).rejects.toMatchObject({ code: BROKEN, kind: 'short', source: 'log' })
  })

  it('is told by the one anchor that still holds the longer history, also when it comes back late', async () => {
    const log = await openCheckpointedLog(20)
    const [one, other] = [memoryAnchor('one'), memoryAnchor('other')]
    await log.checkpointer({ anchors: [one, other] }).runOnce()
    const backup = await backupOf(log)
    await log.append(10)
    await log.checkpointer({ anchors: [other] }).runOnce()
    await backup.append(15)
    other.trouble = () => {
      throw new Error('away')
    }
    const restored = backup.checkpointer({ anchors: [one, other] })
    await expect(restored.runOnce()).rejects.toThrow('away')
    other.trouble = () => Promise.reject(Object.assign(new Error('away'), { code: 'DB_AUDIT_ANCHOR_UNAVAILABLE' }))
    expect(await restored.runOnce()).toBe('signed')
    other.trouble = undefined
    await expect(restored.runOnce()).rejects.toMatchObject({ code: BROKEN, kind: 'root', source: 'other' })
    expect(other.sizes()).toEqual([20, 30])
  })

  it('is told by a witness alone too: at once where it is shorter, by refusing to sign where it has grown again', async () => {
    const log = await openCheckpointedLog(20)
    const witness = await startWitness({ logKey: signer.vkey })
    onTestFinished(() => witness.close())
    const runOn = (target: CheckpointedLog): Checkpointer => target.checkpointer({ anchors: [createWitnessAnchor(witness)] })
    await runOn(log).runOnce()
    const backup = await backupOf(log)
    await log.append(10)
    await runOn(log).runOnce()
    await backup.append(4)
    await expect(runOn(backup).runOnce()).rejects.toMatchObject({ code: BROKEN, kind: 'short', source: 'witness.example/w1' })
    await backup.append(10)
    const regrown = runOn(backup)
    expect(await regrown.runOnce()).toBe('signed')
    expect(regrown.stats().anchors).toEqual([{ name: 'witness.example/w1', size: 30, failures: 1, code: 'DB_AUDIT_ANCHOR_CONFLICT' }])
    expect(witness.seen()?.size).toBe(30)
  })
})

describe('the signing key', () => {
  it('is nowhere in the database, its settings or its sessions after it was used (pitfall 20)', async () => {
    const log = await openCheckpointedLog(5)
    const text = generateSignerKey(ORIGIN)
    const seed = Buffer.from(text.slice(text.lastIndexOf('+') + 1), 'base64').subarray(1)
    await log.checkpointer({ signers: [parseSignerKey(text)] }).runOnce()
    const { rows } = await log.pool.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public'
       UNION ALL SELECT unnest(ARRAY['pg_stat_activity', 'pg_prepared_statements', 'pg_settings', 'pg_db_role_setting', 'pg_description'])`,
    )
    expect(rows.length).toBeGreaterThan(10)
    const parts = [text, ...(['base64', 'base64url', 'hex'] as const).map((encoding) => seed.toString(encoding).slice(0, 40))]
    let seen = 0
    for (const { name } of rows) {
      const { rows: contents } = await log.pool.query<{ content: string }>(`SELECT t::text AS content FROM ${name} AS t`)
      seen += contents.length
      for (const part of parts)
        expect(
          contents.filter(({ content }) => content.includes(part)),
          name,
        ).toEqual([])
    }
    expect(seen).toBeGreaterThan(100)
  })
})

describe('the stored checkpoints', () => {
  const CHANGES = [
    `UPDATE audit_checkpoints SET note = note`,
    `DELETE FROM audit_checkpoints`,
    `TRUNCATE audit_checkpoints CASCADE`,
    `UPDATE audit_cosignatures SET line = line`,
    `DELETE FROM audit_cosignatures`,
    `TRUNCATE audit_cosignatures`,
  ]

  it('only grow, for a superuser too, and each continues exactly one', async () => {
    const { log } = await signedLog()
    await log.pool.query(`SELECT audit_checkpoint_cosign(20, ARRAY['— w AAAA', '— w AAAA', '— w BBBB'])`)
    expect((await log.pool.query('SELECT FROM audit_cosignatures')).rowCount).toBe(2)
    for (const sql of CHANGES) await expect(log.pool.query(sql), sql).rejects.toMatchObject({ code: '42501' })
    const add = (previous: number, size: number): Promise<boolean | undefined> =>
      log.pool
        .query<{ added: boolean }>('SELECT audit_checkpoint_add($1, $2, $3) AS added', [previous, size, 'x'])
        .then(({ rows }) => rows[0]?.added)
    await expect(add(20, 31)).rejects.toMatchObject({ code: '23514' })
    await expect(add(19, 25)).rejects.toMatchObject({ code: '23503' })
    await expect(add(20, 20)).rejects.toMatchObject({ code: '23514' })
    expect(await add(0, 19)).toBe(false)
    expect(await add(20, 30)).toBe(true)
    expect(await add(20, 29)).toBe(false)
    await expect(log.pool.query(`SELECT audit_checkpoint_cosign(7, ARRAY['— w AAAA'])`)).rejects.toMatchObject({ code: '23503' })
  })

  it('are added by the role of the application through the functions alone; it signs and anchors (pitfall 16)', async () => {
    const { log, anchor } = await signedLog()
    const login = `audit_app_${crypto.randomUUID().slice(0, 8)}`
    await log.pool.query(`CREATE ROLE ${login} LOGIN PASSWORD 'app' IN ROLE cidadao_audit_writer`)
    const address = new URL(log.url)
    address.username = login
    address.password = 'app'
    const pool = new pg.Pool({ connectionString: address.href, max: 2 })
    onTestFinished(async () => {
      await pool.end()
      await log.pool.query(`DROP ROLE ${login}`)
    })
    expect(await log.checkpointer({ sql: pool, anchors: [anchor] }).runOnce()).toBe('signed')
    await log.log.append(pool, [{ actor: { kind: 'system' }, action: 'app.wrote' }])
    expect(await log.log.verify(pool)).toMatchObject({ ok: true, checked: 31 })
    const direct = `INSERT INTO audit_checkpoints (size, previous_size, note) VALUES (31, 30, 'x')`
    const disabling = 'ALTER TABLE audit_checkpoints DISABLE TRIGGER ALL'
    for (const sql of [...CHANGES, direct, disabling]) await expect(pool.query(sql), sql).rejects.toMatchObject({ code: '42501' })
  })

  it('of a database whose owner the application is can be deleted by it: what still holds is the anchor (pitfall 16)', async () => {
    const { log, anchor } = await signedLog()
    const client = new pg.Client({ connectionString: log.url })
    await client.connect()
    onTestFinished(() => client.end())
    await expect(client.query('DELETE FROM audit_checkpoints')).rejects.toMatchObject({ code: '42501' })
    await client.query('ALTER TABLE audit_checkpoints DISABLE TRIGGER USER')
    await client.query('ALTER TABLE audit_logs DISABLE TRIGGER USER')
    await client.query('ALTER TABLE audit_head DISABLE TRIGGER USER')
    expect((await client.query('DELETE FROM audit_checkpoints')).rowCount).toBe(1)
    expect((await client.query('DELETE FROM audit_logs WHERE seq > 15')).rowCount).toBe(15)
    expect(
      (await client.query('UPDATE audit_head SET seq = 15, hash_chain = (SELECT hash_chain FROM audit_logs WHERE seq = 15)')).rowCount,
    ).toBe(1)
    expect(await log.log.verify(log.pool)).toMatchObject({ ok: true, checked: 15 })
    const checkpoint = { checkpoint: anchor.notes[0] ?? '', vkey: signer.vkey }
    expect(await log.log.verify(log.pool, checkpoint)).toMatchObject({ ok: false, kind: 'short', firstBadSeq: 16 })
    await expect(log.checkpointer({ anchors: [anchor] }).runOnce()).rejects.toMatchObject({ code: BROKEN, kind: 'short' })
  })
})
