import type { PoolClient } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leafHash } from '../src/audit/hash-chain.ts'
import { AuditProver } from '../src/audit/proofs/audit-prover.ts'
import { verifyConsistencyProof } from '../src/audit/proofs/consistency-proof.ts'
import { verifyEntryProof } from '../src/audit/proofs/entry-proof.ts'
import { createNoteSigner } from '../src/audit/transparency/note-key.ts'
import { signCheckpoint, verifyCheckpoint } from '../src/audit/transparency/checkpoint.ts'
import { verifyTlogProof } from '../src/audit/transparency/tlog-proof.ts'
import { openSignedLog, runVerifier, type SignedLog } from './fixtures/signed-log.ts'

const ORIGIN = 'audit.example/proved'
const LAST = 600

let signed: SignedLog
let prover: AuditProver

beforeAll(async () => {
  signed = await openSignedLog(ORIGIN, LAST)
  await signed.checkpoint(300)
  await signed.checkpoint(590)
  prover = new AuditProver(signed.keys)
})

afterAll(async () => {
  await signed.database.close()
})

async function idOf(seq: number): Promise<string> {
  const { rows } = await signed.pool.query<{ id: string }>('SELECT id FROM audit_logs WHERE seq = $1', [seq])
  return rows[0]?.id ?? ''
}

/** Undone afterwards. An attack that touches no row proves nothing (pitfall 17). */
async function withForged<Result>(attack: string, work: (sql: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await signed.pool.connect()
  try {
    await client.query('BEGIN; ALTER TABLE audit_logs DISABLE TRIGGER ALL')
    expect((await client.query(attack)).rowCount).toBeGreaterThan(0)
    return await work(client)
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}

describe('prove', () => {
  it.each([1, 2, 255, 256, 257, 300, 301, 589, 590])('proves entry %i to whoever has the key', async (seq) => {
    const proof = await prover.prove(signed.pool, await idOf(seq))
    expect(proof).toMatchObject({ seq, size: 590 })
    expect(verifyEntryProof(proof.text, ORIGIN, signed.keys.vkeys)).toMatchObject({ outcome: 'verified', seq, payload: proof.payload })
    // Also for tools that know nothing of our extra data.
    expect(verifyTlogProof(proof.text, leafHash(proof.payload), signed.signer.vkey)).toMatchObject({ outcome: 'verified', index: seq - 1 })
  })

  it('says that a checkpoint has to be made where none covers the entry yet', async () => {
    await expect(prover.prove(signed.pool, await idOf(591))).rejects.toMatchObject({
      code: 'DB_AUDIT_CHECKPOINT_MISSING',
      message: expect.stringContaining('make a checkpoint') as string,
      facts: { atLeast: 591 },
    })
    const none = new AuditProver({ ...signed.keys, checkpoints: async () => undefined })
    await expect(none.prove(signed.pool, await idOf(1))).rejects.toMatchObject({ code: 'DB_AUDIT_CHECKPOINT_MISSING' })
    const old = new AuditProver({ ...signed.keys, checkpoints: () => signed.noteAt(100) })
    await expect(old.prove(signed.pool, await idOf(200))).rejects.toMatchObject({ code: 'DB_AUDIT_CHECKPOINT_MISSING' })
  })

  it.each(['00000000-0000-4000-8000-000000000000', 'no uuid', ''])('says that there is no entry %j', async (id) => {
    await expect(prover.prove(signed.pool, id)).rejects.toMatchObject({ code: 'DB_AUDIT_ENTRY_MISSING' })
  })

  it('takes no checkpoint that the log did not sign', async () => {
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    const verdict = verifyCheckpoint(await signed.noteAt(590), signed.signer.vkey)
    if (verdict.outcome === 'refused') throw new Error(verdict.reason)
    const forged = new AuditProver({ ...signed.keys, checkpoints: async () => signCheckpoint(verdict.checkpoint, [stranger]) })
    await expect(forged.prove(signed.pool, await idOf(7))).rejects.toMatchObject({ code: 'DB_AUDIT_FORMAT_INVALID' })
    const rotated = new AuditProver({ ...signed.keys, vkeys: [stranger.vkey, signed.signer.vkey] })
    expect(await rotated.prove(signed.pool, await idOf(7))).toMatchObject({ seq: 7 })
  })

  it('gives out nothing for a log that was changed after it was signed', async () => {
    const id = await idOf(77)
    const edited = `UPDATE audit_logs SET payload = replace(payload, '276048.96', '1.00') WHERE seq = 77`
    const cut = `UPDATE audit_logs SET leaf_hash = reverse(leaf_hash) WHERE seq = 78`
    for (const attack of [edited, cut]) {
      const proof = withForged(attack, async (sql) => {
        await sql.query('DELETE FROM audit_tiles')
        return new AuditProver(signed.keys).prove(sql, id)
      })
      await expect(proof, attack).rejects.toMatchObject({ code: 'DB_AUDIT_TREE_MISMATCH' })
    }
  })
})

describe('consistency', () => {
  it.each([0, 1, 256, 300, 589, 590])('proves that nothing of the first %i entries was changed since', async (size) => {
    const { text, oldSize, newSize } = await prover.consistency(signed.pool, size)
    expect([oldSize, newSize]).toEqual([size, 590])
    const verdict = verifyConsistencyProof(text, await signed.noteAt(size), signed.keys)
    expect(verdict).toMatchObject({ outcome: 'verified', older: { size }, newer: { size: 590 } })
  })

  it('is refused for a checkpoint of another history, another size, another log and another key', async () => {
    const { text } = await prover.consistency(signed.pool, 300)
    const other = signCheckpoint({ origin: ORIGIN, size: 300, root: Buffer.alloc(32, 1) }, [signed.signer])
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    const unsigned = signCheckpoint({ origin: ORIGIN, size: 300, root: Buffer.alloc(32, 1) }, [stranger])
    for (const older of [other, unsigned, await signed.noteAt(299)]) {
      expect(verifyConsistencyProof(text, older, signed.keys)).toMatchObject({ outcome: 'refused' })
    }
    expect(verifyConsistencyProof(text, await signed.noteAt(300), { ...signed.keys, origin: 'audit.example/other' })).toMatchObject({
      outcome: 'refused',
    })
    for (const broken of ['', 'old 300\n', text.replace('old 300', 'old 0300'), text.replace('old 300\n', 'old 300\nAAAA\n')]) {
      expect(() => verifyConsistencyProof(broken, other, signed.keys), broken).toThrow('consistency proof')
    }
  })

  it('is not given where no checkpoint goes that far', async () => {
    await expect(prover.consistency(signed.pool, 591)).rejects.toMatchObject({ code: 'DB_AUDIT_CHECKPOINT_MISSING' })
  })
})

describe('an entry proof', () => {
  it('is refused with another entry, another position or another key, and is no proof without its entry', async () => {
    const { text, payload } = await prover.prove(signed.pool, await idOf(77))
    const other = Buffer.from(payload.replace('276048.96', '1.00')).toString('base64')
    const [, extra = ''] = /^extra (.*)$/m.exec(text) ?? []
    expect(verifyEntryProof(text.replace(extra, other), ORIGIN, signed.keys.vkeys)).toMatchObject({ outcome: 'refused' })
    expect(verifyEntryProof(text.replace('index 76', 'index 77'), ORIGIN, signed.keys.vkeys)).toMatchObject({ outcome: 'refused' })
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    expect(verifyEntryProof(text, ORIGIN, [stranger.vkey])).toMatchObject({ outcome: 'refused' })
    for (const broken of [text.replace(`extra ${extra}\n`, ''), text.replace(extra, '!'), '']) {
      expect(() => verifyEntryProof(broken, ORIGIN, signed.keys.vkeys)).toThrow('entry proof')
    }
  })
})

describe('the single-file verifier, without the code that wrote the log (pitfall 28)', () => {
  const key = (): readonly string[] => ['--vkey', signed.signer.vkey]

  it.each([1, 256, 257, 300, 590])('accepts the proof of entry %i, and prints the entry', async (seq) => {
    const { text, payload } = await prover.prove(signed.pool, await idOf(seq))
    const run = await runVerifier({ 'entry.tlog-proof': text }, '--proof', 'entry.tlog-proof', ...key())
    expect(run).toEqual({ exitCode: 0, stderr: '', stdout: `verified: this is entry ${seq} of the 590 entries of ${ORIGIN}\n${payload}\n` })
  })

  it('refuses each change of a proof', async () => {
    const { text, payload } = await prover.prove(signed.pool, await idOf(77))
    const [, extra = ''] = /^extra (.*)$/m.exec(text) ?? []
    const hashes = text.split('\n').filter((line) => line.length === 44)
    const changes: Readonly<Record<string, string>> = {
      'another entry': text.replace(extra, Buffer.from(payload.replace('276048.96', '1.00')).toString('base64')),
      'another position': text.replace('index 76', 'index 77'),
      'beyond the tree': text.replace('index 76', 'index 590'),
      'a hash less': text.replace(`${hashes[0]}\n`, ''),
      'a hash more': text.replace(`${hashes[0]}\n`, `${hashes[0]}\n${hashes[0]}\n`),
      'two hashes swapped': text.replace(`${hashes[0]}\n${hashes[1]}`, `${hashes[1]}\n${hashes[0]}`),
      'another size': text.replace('\n590\n', '\n591\n'),
      'no checkpoint': text.slice(0, text.indexOf('\n\n')),
      'no signature': text.slice(0, text.lastIndexOf('—')),
      'another format': text.replace('@v1', '@v2'),
    }
    for (const [name, changed] of Object.entries(changes)) {
      expect(changed, name).not.toBe(text)
      const run = await runVerifier({ p: changed }, '--proof', 'p', ...key())
      expect(run, name).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(/^REFUSED: /) as string })
    }
    const stranger = createNoteSigner(ORIGIN, Buffer.alloc(32, 9))
    expect(await runVerifier({ p: text }, '--proof', 'p', '--vkey', stranger.vkey)).toMatchObject({ exitCode: 1 })
  })

  it.each([1, 256, 300, 589, 590])('accepts that the log goes on from a checkpoint of %i entries', async (size) => {
    const { text } = await prover.consistency(signed.pool, size)
    const files = { proof: text, old: await signed.noteAt(size) }
    const run = await runVerifier(files, '--consistency', 'proof', '--old', 'old', ...key())
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    expect(run.stdout).toContain(`go on from the ${size} of the older checkpoint`)
  })

  it('refuses a history that does not go on from the older checkpoint', async () => {
    const { text } = await prover.consistency(signed.pool, 300)
    const other = signCheckpoint({ origin: ORIGIN, size: 300, root: Buffer.alloc(32, 1) }, [signed.signer])
    const [first = ''] = text.split('\n').filter((line) => line.length === 44)
    const attempts = [
      { proof: text, old: other },
      { proof: text, old: await signed.noteAt(299) },
      { proof: text.replace('old 300', 'old 299'), old: await signed.noteAt(299) },
      { proof: text.replace(`${first}\n`, ''), old: await signed.noteAt(300) },
      { proof: text.replace(`${first}\n`, `${first}\n${first}\n`), old: await signed.noteAt(300) },
    ]
    for (const files of attempts) {
      expect(await runVerifier(files, '--consistency', 'proof', '--old', 'old', ...key())).toMatchObject({ exitCode: 1, stdout: '' })
    }
  })

  it('tells with 2 that it could not look', async () => {
    const { text } = await prover.prove(signed.pool, await idOf(1))
    for (const args of [
      [],
      ['--proof', 'p'],
      ['--proof', 'none', ...key()],
      ['--wrong'],
      ['--consistency', 'p', ...key()],
      ['a', 'b'],
      ['none'],
    ]) {
      expect(await runVerifier({ p: text }, ...args), args.join(' ')).toMatchObject({ exitCode: 2, stdout: '' })
    }
    expect(await runVerifier({ p: text }, '--proof', 'p', '--vkey', 'no key')).toMatchObject({ exitCode: 2 })
  })
})
