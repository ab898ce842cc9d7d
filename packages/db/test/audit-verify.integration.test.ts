import { createHash } from 'node:crypto'
import { TestClock } from '@cidadao/contracts'
import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditLog } from '../src/audit/audit-log.ts'
import type { AuditProgress, AuditVerification } from '../src/audit/audit-verifier.ts'
import type { AuditPosition } from '../src/audit/chain-replay.ts'
import { signCheckpoint } from '../src/audit/transparency/checkpoint.ts'
import { merkleRoot } from '../src/audit/transparency/merkle-tree.ts'
import { createNoteSigner } from '../src/audit/transparency/note-key.ts'
import { openAuditDatabase, type AuditDatabase } from './fixtures/audit-database.ts'

const LAST = 25
const ORIGIN = 'audit.example/verified'
const log = new AuditLog({ origin: ORIGIN, clock: new TestClock() })
const signer = createNoteSigner(ORIGIN, Buffer.alloc(32, 4))
const { vkey } = signer

let database: AuditDatabase
let pool: Pool

beforeAll(async () => {
  database = await openAuditDatabase()
  pool = database.pool
  await log.open(pool)
  await extend(LAST - 1)
})

afterAll(async () => {
  await database.close()
})

async function extend(count: number): Promise<void> {
  const actor = { kind: 'human', id: 'u_1' } as const
  await log.append(
    pool,
    Array.from({ length: count }, (_, n) => ({ actor, action: 'note.added', investigation: `inv_${n % 2}`, data: { n } })),
  )
}

async function checkpointAt(size: number): Promise<string> {
  const { rows } = await pool.query<{ leaf_hash: string }>('SELECT leaf_hash FROM audit_logs ORDER BY seq LIMIT $1', [size])
  return signCheckpoint({ origin: ORIGIN, size, root: merkleRoot(rows.map((row) => Buffer.from(row.leaf_hash, 'hex'))) }, [signer])
}

function positionOf(verdict: AuditVerification): AuditPosition {
  if (!verdict.ok) throw new Error(`expected a good log: ${verdict.detail}`)
  return verdict.position
}

describe('verify', () => {
  it('tells how far it reached, never just yes or no', async () => {
    expect(await log.verify(pool)).toMatchObject({
      ok: true,
      kind: null,
      firstBadSeq: null,
      checked: LAST,
      anchoredTo: 0,
      unanchored: LAST,
    })
  })

  it.each([1, 2, 7, 24, 25, 26, 1_000])('gives the same answer in batches of %i', async (batchSize) => {
    const progress: AuditProgress[] = []
    const verdict = await log.verify(pool, { batchSize, onProgress: (step) => progress.push(step) })
    expect(verdict).toMatchObject({ ok: true, checked: LAST })
    expect(progress).toHaveLength(Math.ceil(LAST / batchSize))
    expect(progress.at(-1)).toEqual({ checked: LAST, total: LAST })
  })

  it.each([0, 1, 24, 25])('holds against a checkpoint of size %i', async (size) => {
    const verdict = await log.verify(pool, { checkpoint: await checkpointAt(size), vkey })
    expect(verdict).toMatchObject({ ok: true, anchoredTo: size, unanchored: LAST - size })
  })

  it('goes on from where it was, and reaches what a whole verification reaches', async () => {
    const whole = positionOf(await log.verify(pool))
    for (let seq = 0; seq <= LAST; seq += 1) {
      const from = positionOf(await log.verify(pool, { to: seq }))
      expect(from.seq).toBe(seq)
      const stored = JSON.parse(JSON.stringify(from)) as AuditPosition
      const verdict = await log.verify(pool, { from: stored, checkpoint: await checkpointAt(LAST), vkey })
      expect(verdict).toMatchObject({ ok: true, checked: LAST - seq, anchoredTo: LAST })
      expect(positionOf(verdict)).toEqual({ ...whole, anchoredTo: LAST })
    }
  })

  it('remembers in its position what was anchored', async () => {
    const from = positionOf(await log.verify(pool, { checkpoint: await checkpointAt(10), vkey }))
    expect(await log.verify(pool, { from })).toMatchObject({ ok: true, checked: 0, anchoredTo: 10, unanchored: LAST - 10 })
  })

  it('finds a log that has become shorter than what was verified before', async () => {
    const honest = positionOf(await log.verify(pool))
    const from = { ...honest, seq: 27, frontier: [...honest.frontier, honest.hashChain] }
    expect(await log.verify(pool, { from })).toMatchObject({ ok: false, kind: 'short', firstBadSeq: LAST + 1 })
    expect(await log.verify(pool, { to: LAST + 1 })).toMatchObject({ ok: false, kind: 'short', firstBadSeq: LAST + 1 })
    expect(await log.verify(pool, { checkpoint: tooLarge(), vkey })).toMatchObject({ ok: false, kind: 'short', firstBadSeq: LAST + 1 })
  })

  it('finds a position that is not of this log', async () => {
    const honest = positionOf(await log.verify(pool, { to: 10 }))
    const from = { ...honest, hashChain: '0'.repeat(64) }
    expect(await log.verify(pool, { from })).toMatchObject({ ok: false, kind: 'link', firstBadSeq: 11 })
  })

  it('refuses a checkpoint that the log did not sign, or that is of another log', async () => {
    const checkpoint = await checkpointAt(10)
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 5))
    const kind = { ok: false, kind: 'signature', firstBadSeq: null, checked: 0 }
    expect(await log.verify(pool, { checkpoint, vkey: stranger.vkey })).toMatchObject(kind)
    expect(await log.verify(pool, { checkpoint: checkpoint.replace('\n10\n', '\n11\n'), vkey })).toMatchObject(kind)
    const other = createNoteSigner('audit.example/other', Buffer.alloc(32, 4))
    const foreign = signCheckpoint({ origin: 'audit.example/other', size: 0, root: merkleRoot([]) }, [other])
    expect(await log.verify(pool, { checkpoint: foreign, vkey: other.vkey })).toMatchObject(kind)
  })

  it('takes all keys that the log has had, so that checkpoints outlive the key that signed them', async () => {
    const renewed = createNoteSigner(ORIGIN, Buffer.alloc(32, 5))
    const checkpoint = await checkpointAt(10)
    const vkeys = [renewed.vkey, vkey]
    expect(await log.verify(pool, { checkpoint, vkey: vkeys })).toMatchObject({ ok: true, anchoredTo: 10 })
    expect(await log.verify(pool, { checkpoint, vkey: [renewed.vkey] })).toMatchObject({ ok: false, kind: 'signature' })
    expect(await log.verify(pool, { vkey: vkeys })).toMatchObject({ ok: true, anchoredTo: 0, prunedTo: 0 })
  })

  it('finds entries that are not those of the checkpoint', async () => {
    const root = createHash('sha256').update('another history').digest()
    const checkpoint = signCheckpoint({ origin: ORIGIN, size: 10, root }, [signer])
    expect(await log.verify(pool, { checkpoint, vkey })).toMatchObject({
      ok: false,
      kind: 'root',
      firstBadSeq: null,
      checked: 10,
      anchoredTo: 0,
    })
  })

  it('refuses options that contradict each other', async () => {
    const checkpoint = await checkpointAt(10)
    const from = positionOf(await log.verify(pool, { to: 20 }))
    for (const options of [{ checkpoint }, { batchSize: 0 }, { batchSize: 1.5 }, { to: -1 }, { from, to: 19 }]) {
      await expect(log.verify(pool, options), JSON.stringify(options)).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
    }
    await expect(log.verify(pool, { checkpoint, vkey, to: 9 })).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
    await expect(log.verify(pool, { checkpoint, vkey, from })).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
    await expect(log.verify(pool, { checkpoint, vkey: 'no key' })).rejects.toMatchObject({ code: 'DB_AUDIT_FORMAT_INVALID' })
  })

  it('stops between two batches when told to', async () => {
    const stop = new AbortController()
    const seen: number[] = []
    const onProgress = ({ checked }: AuditProgress): void => {
      seen.push(checked)
      if (checked === 10) stop.abort(new Error('shutting down'))
    }
    await expect(log.verify(pool, { batchSize: 5, onProgress, signal: stop.signal })).rejects.toThrow('shutting down')
    expect(seen).toEqual([5, 10])
  })

  it('is not confused by entries appended while it runs', async () => {
    const fresh = await openAuditDatabase()
    try {
      await log.open(fresh.pool)
      const append = (): Promise<unknown> => log.append(fresh.pool, [{ actor: { kind: 'system' }, action: 'tick.counted' }])
      for (let n = 0; n < 9; n += 1) await append()
      const appended: Promise<unknown>[] = []
      const verdict = await log.verify(fresh.pool, { batchSize: 2, onProgress: () => void appended.push(append()) })
      await Promise.all(appended)
      expect(verdict).toMatchObject({ ok: true, checked: 10 })
      expect(await log.verify(fresh.pool, { from: positionOf(verdict) })).toMatchObject({ ok: true, checked: 5 })
    } finally {
      await fresh.close()
    }
  })
})

describe('others reach the same hashes without the code that wrote them (pitfall 28)', () => {
  it('PostgreSQL, by a query over the payloads alone', async () => {
    const { rows } = await pool.query<{ chain: string; stored: string }>(
      `WITH RECURSIVE replay (seq, chain) AS (
         SELECT 0::bigint, sha256('cidadao-audit/v1/genesis'::bytea || '\\x00' || convert_to($1, 'UTF8'))
         UNION ALL
         SELECT l.seq, sha256('cidadao-audit/v1/link'::bytea || '\\x00' || int8send(l.seq) || r.chain || sha256('\\x00' || convert_to(l.payload, 'UTF8')))
         FROM replay r JOIN audit_logs l ON l.seq = r.seq + 1
       )
       SELECT encode(r.chain, 'hex') AS chain, l.hash_chain AS stored FROM replay r JOIN audit_logs l USING (seq) ORDER BY seq`,
      [ORIGIN],
    )
    expect(rows).toHaveLength(LAST)
    expect(rows.filter(({ chain, stored }) => chain !== stored)).toEqual([])
  })

  it('a reader of the document, with nothing but SHA-256', async () => {
    const h = (...parts: readonly (string | Buffer)[]): Buffer => {
      return createHash('sha256')
        .update(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
        .digest()
    }
    const { rows } = await pool.query<{ payload: string; hash_chain: string }>('SELECT payload, hash_chain FROM audit_logs ORDER BY seq')
    let chain = h('cidadao-audit/v1/genesis', '\0', ORIGIN)
    for (const [index, { payload, hash_chain: stored }] of rows.entries()) {
      const number = Buffer.from((index + 1).toString(16).padStart(16, '0'), 'hex')
      chain = h('cidadao-audit/v1/link', '\0', number, chain, h('\0', payload))
      expect(chain.toString('hex')).toBe(stored)
    }
    expect(rows).toHaveLength(LAST)
  })

  it('a copy of the table by dump and restore of its text (pitfall 27)', async () => {
    const copy = await openAuditDatabase()
    try {
      const { rows } = await pool.query<{ payload: string }>('SELECT payload FROM audit_logs ORDER BY seq')
      const [opening, ...rest] = rows.map(({ payload }) => payload)
      await copy.pool.query('SELECT FROM audit_open($1, $2)', [ORIGIN, opening])
      await copy.pool.query('SELECT FROM audit_append($1)', [rest])
      const verdict = await log.verify(copy.pool, { checkpoint: await checkpointAt(LAST), vkey })
      expect(verdict).toMatchObject({ ok: true, checked: LAST, anchoredTo: LAST })
    } finally {
      await copy.close()
    }
  })
})

describe('entriesOf', () => {
  it('gives the history of an investigation page by page, in order', async () => {
    const first = await log.entriesOf(pool, 'inv_1', { limit: 5 })
    const rest = await log.entriesOf(pool, 'inv_1', { after: first.at(-1)?.seq ?? 0 })
    expect([...first, ...rest].map(({ data }) => data.n)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23])
    expect(first[0]).toMatchObject({
      actor: { kind: 'human', id: 'u_1' },
      action: 'note.added',
      investigation: 'inv_1',
      ts: '2024-01-31T12:00:00.000000Z',
    })
    expect(await log.entriesOf(pool, 'inv_none')).toEqual([])
    await expect(log.entriesOf(pool, 'inv_1', { limit: 0 })).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
  })

  it('has an index with the order in it, so that it need not sort', async () => {
    const { rows } = await pool.query<{ definition: string }>(
      `SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index WHERE indrelid = 'audit_logs'::regclass AND NOT indisunique ORDER BY 1`,
    )
    expect(rows.map(({ definition }) => definition.replace(/^.*USING btree /u, ''))).toEqual([
      '(agent_name, seq)',
      '(investigation_id, seq)',
      '("timestamp")',
    ])
  })
})

function tooLarge(): string {
  return signCheckpoint({ origin: ORIGIN, size: LAST + 5, root: Buffer.alloc(32) }, [signer])
}
