import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { PoolClient } from 'pg'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { AuditVerification } from '../src/audit/audit-verifier.ts'
import { exportAuditLog } from '../src/audit/export/audit-export.ts'
import { AuditProver } from '../src/audit/proofs/audit-prover.ts'
import { verifyConsistencyProof } from '../src/audit/proofs/consistency-proof.ts'
import { verifyEntryProof } from '../src/audit/proofs/entry-proof.ts'
import { verifyConsistency } from '../src/audit/transparency/merkle-proof.ts'
import { createNoteSigner } from '../src/audit/transparency/note-key.ts'
import { signNote } from '../src/audit/transparency/signed-note.ts'
import { AuditTree } from '../src/audit/tree/audit-tree.ts'
import { collect, openSignedLog, runVerifier, type SignedLog } from './fixtures/signed-log.ts'

const ORIGIN = 'audit.example/pruned'
const OPERATOR = { kind: 'human', id: 'operator' } as const
const REFUSED = { code: 'DB_AUDIT_PRUNE_REFUSED' }

let signed: SignedLog

beforeEach(async () => {
  signed = await openSignedLog(ORIGIN, 400)
  onTestFinished(() => signed.database.close())
})

function exported(from: number, to: number): Promise<string> {
  return collect(exportAuditLog(signed.pool, { ...signed.keys, from, to }))
}

interface Attempt {
  readonly to: number
  readonly checkpoint?: string
  readonly archive?: string
  readonly vkeys?: readonly string[]
}

async function prune(from: number, { to, checkpoint, archive, vkeys = signed.keys.vkeys }: Attempt) {
  return signed.log.prune(signed.pool, {
    to,
    checkpoint: checkpoint ?? (await signed.noteAt(to)),
    vkeys,
    archive: Readable.from([archive ?? (await exported(from, to))]),
    actor: OPERATOR,
  })
}

async function verify(more: object = {}): Promise<AuditVerification> {
  return signed.log.verify(signed.pool, { vkey: signed.signer.vkey, ...more })
}

async function rest(): Promise<{ readonly first: number; readonly count: number }> {
  const { rows } = await signed.pool.query<{ first: string; count: string }>('SELECT min(seq) AS first, count(*) AS count FROM audit_logs')
  return { first: Number(rows[0]?.first), count: Number(rows[0]?.count) }
}

describe('prune', () => {
  it.each([1, 255, 256, 257, 300, 400])('removes the first %i entries, and log, proofs and tree go on', async (to) => {
    const note = await signed.checkpoint(to)
    const archive = await exported(1, to)
    const sha256 = createHash('sha256').update(archive).digest('hex')
    const tree = new AuditTree()
    await tree.root(signed.pool, to)
    const pruning = await prune(1, { to, archive, checkpoint: note })
    expect(pruning).toEqual({ seq: 401, prunedTo: to, removed: to, archiveSha256: sha256 })
    expect(await rest()).toEqual({ first: to + 1, count: 401 - to })
    expect(await verify()).toMatchObject({ ok: true, checked: 401 - to, prunedTo: to, anchoredTo: to, unanchored: 401 - to })

    // The entry that tells of it.
    const { rows } = await signed.pool.query('SELECT agent_name, data FROM audit_logs WHERE seq = 401 AND action = $1', ['audit.pruned'])
    expect(rows).toMatchObject([{ agent_name: 'human:operator', data: { size: to, archive_sha256: sha256 } }])

    await signed.extend(300)
    const newest = await signed.checkpoint(701)
    expect(await verify({ checkpoint: newest })).toMatchObject({ ok: true, anchoredTo: 701, unanchored: 0 })
    for (const fresh of [new AuditProver({ ...signed.keys, tree }), new AuditProver(signed.keys)]) {
      for (const seq of new Set([to + 1, 401, 402, 512, 701])) {
        const { rows: ids } = await signed.pool.query<{ id: string }>('SELECT id FROM audit_logs WHERE seq = $1', [seq])
        const { text } = await fresh.prove(signed.pool, ids[0]?.id ?? '')
        expect(verifyEntryProof(text, ORIGIN, signed.keys.vkeys), `entry ${seq}`).toMatchObject({ outcome: 'verified', seq })
      }
      // Whoever kept a checkpoint, of a size that is gone or not, can still see that history only grew.
      for (const size of [1, Math.ceil(to / 2), to, to + 1, 450]) {
        const { text } = await fresh.consistency(signed.pool, size)
        expect(verifyConsistencyProof(text, await signed.noteAt(size), signed.keys), `size ${size}`).toMatchObject({ outcome: 'verified' })
      }
    }
  })

  it('can be repeated, each time with an export that goes on from the last', async () => {
    await signed.checkpoint(100)
    await signed.checkpoint(300)
    await prune(1, { to: 100 })
    const archive = await exported(101, 300)
    expect(await runVerifier({ e: archive }, 'e', '--vkey', signed.signer.vkey)).toMatchObject({ exitCode: 0 })
    expect(await prune(101, { to: 300, archive })).toMatchObject({ removed: 200 })
    expect(await verify()).toMatchObject({ ok: true, prunedTo: 300, checked: 102 })
    await expect(prune(1, { to: 100, archive })).rejects.toMatchObject(REFUSED)
    const later = await exported(301, 402)
    expect(await runVerifier({ e: later }, 'e', '--unsigned')).toMatchObject({ exitCode: 0 })
  })

  it('says of what is gone where it is', async () => {
    await signed.checkpoint(100)
    const { rows } = await signed.pool.query<{ id: string }>('SELECT id FROM audit_logs WHERE seq = 50')
    const { archiveSha256 } = await prune(1, { to: 100 })
    await expect(exported(50, 150)).rejects.toMatchObject({ code: 'DB_AUDIT_PRUNED', facts: { prunedTo: 100, archiveSha256 } })
    await expect(new AuditProver(signed.keys).prove(signed.pool, rows[0]?.id ?? '')).rejects.toMatchObject({
      code: 'DB_AUDIT_ENTRY_MISSING',
    })
    await expect(verify({ to: 50 })).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
    await expect(verify({ checkpoint: await signed.noteAt(50) })).rejects.toMatchObject({ code: 'DB_INVALID_OPTIONS' })
    expect(await signed.log.entriesOf(signed.pool, 'inv_0', { limit: 10_000 })).toHaveLength(100)
  })

  it('takes the personal data of the entries along, and of no other', async () => {
    const [old] = await signed.log.append(signed.pool, [
      { actor: { kind: 'system' }, action: 'report.viewed', personal: { cpf: '111.444.777-35' } },
    ])
    const [young] = await signed.log.append(signed.pool, [
      { actor: { kind: 'system' }, action: 'report.viewed', personal: { cpf: '111.444.777-35' } },
    ])
    await signed.checkpoint(401)
    await prune(1, { to: 401 })
    const { rows } = await signed.pool.query('SELECT entry_id FROM audit_private')
    expect(rows).toEqual([{ entry_id: young?.id }])
    expect(old?.seq).toBe(401)
  })

  it('lets an incremental verification go on, from before and from after what is gone', async () => {
    const early = await signed.log.verify(signed.pool, { to: 50 })
    const late = await signed.log.verify(signed.pool)
    if (!early.ok || !late.ok) throw new Error('the log was bad before')
    await signed.checkpoint(100)
    await prune(1, { to: 100 })
    expect(await verify({ from: early.position })).toMatchObject({ ok: true, checked: 301, anchoredTo: 100 })
    expect(await verify({ from: late.position })).toMatchObject({ ok: true, checked: 1 })
    expect(await signed.log.verify(signed.pool)).toMatchObject({ ok: true, checked: 301, prunedTo: 100, anchoredTo: 0 })
  })
})

describe('prune is refused, and removes nothing', () => {
  it('without a checkpoint of exactly that size, by the log, that is stored', async () => {
    const archive = await exported(1, 100)
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    await expect(prune(1, { to: 100, archive }), 'not stored').rejects.toMatchObject(REFUSED)
    await signed.checkpoint(100)
    await expect(prune(1, { to: 100, archive, checkpoint: await signed.noteAt(200) }), 'another size').rejects.toMatchObject(REFUSED)
    await expect(prune(1, { to: 100, archive, vkeys: [stranger.vkey] }), 'another key').rejects.toMatchObject(REFUSED)
    expect(await rest()).toEqual({ first: 1, count: 400 })
    await expect(prune(1, { to: 100, archive })).resolves.toMatchObject({ removed: 100 })
  })

  it('where the archive is not exactly those entries', async () => {
    await signed.checkpoint(100)
    const right = await exported(1, 100)
    const wrong: readonly (readonly [name: string, archive: string])[] = [
      ['another range', await exported(1, 99)],
      ['a later part', await exported(2, 100)],
      ['another origin', right.replace(`"origin":"${ORIGIN}"`, '"origin":"audit.example/other"')],
      ['one entry edited', right.replace('276048.96', '1.00')],
      ['one entry less', right.split('\n').toSpliced(50, 1).join('\n')],
      ['cut off', right.slice(0, 5_000)],
      ['without its end', `${right.split('\n').slice(0, -2).join('\n')}\n`],
      ['with more at its end', `${right}{}\n`],
      ['empty', ''],
    ]
    for (const [name, archive] of wrong) {
      await expect(prune(1, { to: 100, archive }), name).rejects.toMatchObject({ code: expect.stringMatching(/^DB_AUDIT_/) as string })
    }
    expect(await rest()).toEqual({ first: 1, count: 400 })
    expect(await verify()).toMatchObject({ ok: true, prunedTo: 0, checked: 400 })
  })

  it('where the entries are not those that were signed for', async () => {
    await signed.checkpoint(100)
    const archive = await exported(1, 100)
    const checkpoint = await signed.noteAt(100)
    const client = await signed.pool.connect()
    try {
      await client.query('BEGIN; ALTER TABLE audit_logs DISABLE TRIGGER ALL')
      expect((await client.query(`UPDATE audit_logs SET payload = replace(payload, '276048.96', '1.00') WHERE seq = 50`)).rowCount).toBe(1)
      const options = { to: 100, checkpoint, vkeys: signed.keys.vkeys, archive: Readable.from([archive]), actor: OPERATOR }
      await expect(signed.log.prune(client, options)).rejects.toMatchObject(REFUSED)
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  })

  it('when it is stopped on the way', async () => {
    await signed.checkpoint(100)
    const options = { to: 100, checkpoint: await signed.noteAt(100), vkeys: signed.keys.vkeys, actor: OPERATOR }
    const archive = Readable.from([await exported(1, 100)])
    await expect(signed.log.prune(signed.pool, { ...options, archive, signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow(
      'stop',
    )
    expect(await rest()).toEqual({ first: 1, count: 400 })
  })
})

describe('the database itself', () => {
  async function asOwner(work: (client: PoolClient) => Promise<void>): Promise<void> {
    const client = await signed.pool.connect()
    try {
      await client.query('BEGIN')
      await work(client)
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  }

  async function refusal(client: PoolClient, sql: string, values: readonly unknown[] = []): Promise<unknown> {
    await client.query('SAVEPOINT attempt')
    try {
      await client.query(sql, [...values])
      return 'allowed'
    } catch (error) {
      return (error as { readonly code: string }).code
    } finally {
      await client.query('ROLLBACK TO attempt')
    }
  }

  it('lets an entry go only once it is recorded as pruned, and no record in that breaks a rule, for its owner too', async () => {
    const note = await signed.checkpoint(300)
    const edge = (await new AuditTree().edge(signed.pool, 300)).levels().map((hashes) => Buffer.concat(hashes))
    const { rows } = await signed.pool.query<{ hash_chain: string }>('SELECT hash_chain FROM audit_logs WHERE seq = 300')
    const link = rows[0]?.hash_chain ?? ''
    const archive = 'a'.repeat(64)
    const root = note.split('\n')[2] ?? ''
    const insert = 'INSERT INTO audit_pruned (size, hash_chain, edge, note, archive_sha256, entry_seq) VALUES ($1, $2, $3, $4, $5, $6)'
    await asOwner(async (client) => {
      expect(await refusal(client, 'DELETE FROM audit_logs WHERE seq = 1')).toBe('42501')
      expect(await refusal(client, insert, [300, link, edge, note, archive, 401]), 'the log does not tell of it').toBe('ZA004')
      const data = { size: 300, root, hash_chain: link, archive_sha256: archive }
      await signed.log.append(client, [{ actor: OPERATOR, action: 'audit.pruned', data }])
      const wrong: Readonly<Record<string, readonly unknown[]>> = {
        'another size': [299, link, edge, note, archive, 401],
        'another hash': [300, 'b'.repeat(64), edge, note, archive, 401],
        'another edge': [300, link, [Buffer.alloc(44 * 32), edge[1]], note, archive, 401],
        'an edge too short': [300, link, [edge[0]], note, archive, 401],
        'a note that is not stored': [300, link, edge, `${note}x`, archive, 401],
        'another archive': [300, link, edge, note, 'b'.repeat(64), 401],
        'another entry': [300, link, edge, note, archive, 400],
      }
      for (const [name, values] of Object.entries(wrong)) expect(await refusal(client, insert, values), name).toBe('ZA004')
      await client.query(insert, [300, link, edge, note, archive, 401])
      expect(await refusal(client, 'DELETE FROM audit_logs WHERE seq = 301')).toBe('42501')
      expect(await refusal(client, 'UPDATE audit_logs SET seq = seq WHERE seq = 1')).toBe('42501')
      for (const change of ['UPDATE audit_pruned SET size = 350', 'DELETE FROM audit_pruned', 'TRUNCATE audit_pruned']) {
        expect(await refusal(client, change), change).toBe('42501')
      }
      expect((await client.query('DELETE FROM audit_logs WHERE seq <= 300')).rowCount).toBe(300)
    })
  })

  it('is not led to a table of somebody else’s by the search path', async () => {
    await asOwner(async (client) => {
      await client.query('CREATE TEMP TABLE audit_pruned AS SELECT 1000000::bigint AS size; SET LOCAL search_path = pg_temp, public')
      expect(await refusal(client, 'DELETE FROM public.audit_logs WHERE seq = 1')).toBe('42501')
    })
  })

  it('lets the writer role redact, but not prune, nor record a pruning', async () => {
    await asOwner(async (client) => {
      await client.query('SET LOCAL ROLE cidadao_audit_writer')
      expect(await refusal(client, `SELECT audit_prune(1, '{}', '', '')`)).toBe('42501')
      expect(await refusal(client, `INSERT INTO audit_pruned VALUES (1, '', '{}', '', '', 2)`)).toBe('42501')
      expect(await refusal(client, `SELECT audit_redact(gen_random_uuid(), ARRAY['cpf'], '{}')`)).toBe('ZA003')
      await client.query('SELECT * FROM audit_pruned')
      await new AuditTree().grow(client, 300)
    })
  })
})

describe('a verification of a pruned log finds', () => {
  beforeEach(async () => {
    await signed.checkpoint(300)
    await prune(1, { to: 300 })
  })

  async function verdictAfter(attack: (client: PoolClient) => Promise<{ readonly rowCount: number | null }>): Promise<AuditVerification> {
    const client = await signed.pool.connect()
    try {
      await client.query('BEGIN; ALTER TABLE audit_logs DISABLE TRIGGER ALL; ALTER TABLE audit_pruned DISABLE TRIGGER ALL')
      await client.query('ALTER TABLE audit_pruned DROP CONSTRAINT audit_pruned_size_check')
      expect((await attack(client)).rowCount, 'an attack that touches no row proves nothing (pitfall 17)').toBeGreaterThan(0)
      return await signed.log.verify(client, { vkey: signed.signer.vkey })
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  }

  it.each([
    ['a record that is gone', 'DELETE FROM audit_pruned', 'gap'],
    ['another hash in the record', `UPDATE audit_pruned SET hash_chain = repeat('0', 64)`, 'link'],
    ['another edge in the record', `UPDATE audit_pruned SET edge = ARRAY[edge[1], sha256('x')]`, 'root'],
    ['no edge in the record', `UPDATE audit_pruned SET edge = ARRAY[NULL, edge[2]]`, 'gap'],
    ['another checkpoint in the record', `UPDATE audit_pruned SET note = replace(note, E'\\n300\\n', E'\\n301\\n')`, 'signature'],
    ['another size in the record', `UPDATE audit_pruned SET size = 301`, 'gap'],
    ['another archive in the record', `UPDATE audit_pruned SET archive_sha256 = repeat('0', 64)`, 'inconsistent'],
    ['another entry in the record', `UPDATE audit_pruned SET entry_seq = 350`, 'inconsistent'],
    ['an entry more that is gone', 'DELETE FROM audit_logs WHERE seq = 301', 'gap'],
    ['an entry that was edited', `UPDATE audit_logs SET payload = replace(payload, '276048.96', '1.00') WHERE seq = 301`, 'leaf'],
  ])('%s', async (_name, sql, kind) => {
    expect(await verdictAfter((client) => client.query(sql))).toMatchObject({ ok: false, kind })
  })

  it('a front that was cut off and made to look pruned: the signature is missing', async () => {
    const forger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    const { rows } = await signed.pool.query<{ note: string }>('SELECT note FROM audit_pruned')
    const text = rows[0]?.note.split('\n\n')[0] ?? ''
    const verdict = await verdictAfter((client) => client.query('UPDATE audit_pruned SET note = $1', [signNote(`${text}\n`, [forger])]))
    expect(verdict).toMatchObject({ ok: false, kind: 'signature', firstBadSeq: null })
  })
})

describe('tiles of a pruned log', () => {
  it('that are lost or forged are made anew from where the log begins; proofs of what is left hold', async () => {
    await signed.checkpoint(300)
    await prune(1, { to: 300 })
    await signed.extend(300)
    const note = await signed.checkpoint(701)
    const { rows } = await signed.pool.query<{ id: string }>('SELECT id FROM audit_logs WHERE seq IN (301, 512, 513, 701) ORDER BY seq')
    for (const attack of [
      'DELETE FROM audit_tiles',
      'DELETE FROM audit_tiles WHERE level = 0 AND index > 0',
      `UPDATE audit_tiles SET hashes = (SELECT string_agg(sha256(int4send(n)), '') FROM generate_series(1, width) n)`,
    ]) {
      await new AuditTree().grow(signed.pool, 701)
      expect((await signed.pool.query(attack)).rowCount).toBeGreaterThan(0)
      for (const { id } of rows) {
        const { text } = await new AuditProver(signed.keys).prove(signed.pool, id)
        expect(verifyEntryProof(text, ORIGIN, signed.keys.vkeys), attack).toMatchObject({ outcome: 'verified' })
      }
      const tree = new AuditTree()
      const [oldRoot, newRoot] = [await tree.root(signed.pool, 300), await tree.root(signed.pool, 701)]
      expect(Buffer.from(newRoot).toString('base64')).toBe(note.split('\n')[2])
      const proof = await tree.consistency(signed.pool, 300, 701)
      expect(verifyConsistency({ oldSize: 300, oldRoot, newSize: 701, newRoot, proof })).toBe(true)
      // What only the lost tiles knew is refused, never made up.
      await expect(tree.consistency(signed.pool, 200, 701)).rejects.toMatchObject({ code: 'DB_AUDIT_TREE_MISMATCH' })
      await expect(tree.root(signed.pool, 200)).rejects.toMatchObject({ code: 'DB_AUDIT_TREE_MISMATCH' })
    }
  })
})
