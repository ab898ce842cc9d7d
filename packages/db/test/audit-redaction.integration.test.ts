import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { opensCommitment } from '../src/audit/commitment.ts'
import { deleteOpeningsOf } from '../src/audit/erasure.ts'
import { AuditProver } from '../src/audit/proofs/audit-prover.ts'
import { openSignedLog, type SignedLog } from './fixtures/signed-log.ts'

const ORIGIN = 'audit.example/redacted'
const CPF = '111.444.777-35'
const OFFICER = { kind: 'human', id: 'dpo' } as const

let signed: SignedLog

beforeAll(async () => {
  signed = await openSignedLog(ORIGIN, 20)
})

afterAll(async () => {
  await signed.database.close()
})

/** An entry with two fields of personal data; gives its id. */
async function viewed(investigation = 'inv_1'): Promise<{ readonly id: string; readonly seq: number }> {
  const personal = { cpf: CPF, name: 'José da Silva' }
  const [receipt] = await signed.log.append(signed.pool, [
    { actor: { kind: 'agent', name: 'api' }, action: 'report.viewed', investigation, personal },
  ])
  if (receipt === undefined) throw new Error('no receipt')
  return receipt
}

async function everythingStored(): Promise<string> {
  const { rows } = await signed.pool.query(
    `SELECT (SELECT json_agg(l) FROM audit_logs l)::text AS logs, (SELECT json_agg(p) FROM audit_private p)::text AS private`,
  )
  return JSON.stringify(rows)
}

describe('disclose', () => {
  it('gives the personal data of an entry, each value with what proves that it is the one committed to', async () => {
    const { id, seq } = await viewed()
    const disclosure = await signed.log.disclose(signed.pool, id)
    expect(disclosure).toMatchObject({ seq, id, fields: [{ outcome: 'disclosed', field: 'cpf', value: CPF }, { field: 'name' }] })
    for (const field of disclosure.fields) {
      if (field.outcome !== 'disclosed') throw new Error(`${field.field} is ${field.outcome}`)
      expect(opensCommitment(field.opening, field.commitment)).toBe(true)
    }
  })

  it('does not pass off a value that was not committed to', async () => {
    const { id } = await viewed()
    const forged = await signed.pool.query(`UPDATE audit_private SET value = '"222.333.444-05"' WHERE entry_id = $1 AND field = 'cpf'`, [
      id,
    ])
    expect(forged.rowCount).toBe(1)
    await signed.pool.query(`INSERT INTO audit_private VALUES ($1, 'phone', sha256('x'), '"1"')`, [id])
    const { fields } = await signed.log.disclose(signed.pool, id)
    expect(fields.map(({ field, outcome }) => [field, outcome])).toEqual([
      ['cpf', 'forged'],
      ['name', 'disclosed'],
      ['phone', 'forged'],
    ])
    expect(JSON.stringify(fields)).not.toContain('222.333')
  })

  it.each(['00000000-0000-4000-8000-000000000000', 'no uuid'])('says that there is no entry %s', async (id) => {
    await expect(signed.log.disclose(signed.pool, id)).rejects.toMatchObject({ code: 'DB_AUDIT_ENTRY_MISSING' })
    const request = { entry: id, fields: ['cpf'], basis: 'LGPD art. 18 VI', actor: OFFICER }
    await expect(signed.log.redact(signed.pool, request)).rejects.toMatchObject({ code: 'DB_AUDIT_ENTRY_MISSING' })
  })
})

describe('redact', () => {
  const basis = 'LGPD art. 18 VI'

  it('erases a field for good, tells of it in the log, and leaves log, proofs and old checkpoints whole', async () => {
    const { id, seq } = await viewed('inv_9')
    const before = await signed.noteAt(seq)
    const receipt = await signed.log.redact(signed.pool, { entry: id, fields: ['cpf'], basis, actor: OFFICER, requestId: 'req-1' })
    const [, told] = await signed.log.entriesOf(signed.pool, 'inv_9')
    expect(told).toMatchObject({
      seq: receipt.seq,
      action: 'audit.redacted',
      actor: OFFICER,
      data: { entry: seq, fields: ['cpf'], basis, request: 'req-1' },
    })
    const { fields } = await signed.log.disclose(signed.pool, id)
    expect(fields).toMatchObject([
      { field: 'name', outcome: 'disclosed' },
      { field: 'cpf', outcome: 'erased' },
    ])
    expect(await signed.log.verify(signed.pool, { checkpoint: before, vkey: signed.signer.vkey })).toMatchObject({
      ok: true,
      anchoredTo: seq,
    })
    await signed.checkpoint(receipt.seq)
    expect(await new AuditProver(signed.keys).prove(signed.pool, id)).toMatchObject({ seq })
  })

  it('leaves no copy of what it erased in the tables of the log', async () => {
    const { id } = await viewed()
    await signed.pool.query('DELETE FROM audit_private WHERE entry_id <> $1', [id])
    expect(await everythingStored()).toContain(CPF)
    await signed.log.redact(signed.pool, { entry: id, fields: ['cpf', 'name'], basis, actor: OFFICER })
    const stored = await everythingStored()
    expect(stored).not.toContain(CPF)
    expect(stored).not.toContain('José')
  })

  it.each([
    ['cpf twice', ['cpf']],
    ['a field that is not there', ['cpf', 'phone']],
  ])('does nothing at all where there is nothing to erase: %s', async (_name, again) => {
    const { id } = await viewed()
    const request = { entry: id, basis, actor: OFFICER }
    if (again.length === 1) await signed.log.redact(signed.pool, { ...request, fields: ['cpf'] })
    const before = (await signed.log.disclose(signed.pool, id)).fields.map(({ outcome }) => outcome)
    const head = await signed.pool.query('SELECT seq FROM audit_head')
    // On the pool, without a transaction around it.
    await expect(signed.log.redact(signed.pool, { ...request, fields: again })).rejects.toMatchObject({
      code: 'DB_AUDIT_NOTHING_TO_REDACT',
    })
    expect((await signed.pool.query('SELECT seq FROM audit_head')).rows).toEqual(head.rows)
    expect((await signed.log.disclose(signed.pool, id)).fields.map(({ outcome }) => outcome)).toEqual(before)
  })

  it('refuses a request without fields or without a ground', async () => {
    const { id } = await viewed()
    const request = { entry: id, fields: ['cpf'], basis, actor: OFFICER }
    for (const wrong of [{ fields: [] }, { fields: ['cpf', 'cpf'] }, { basis: ' ' }, { basis: 'x'.repeat(201) }]) {
      await expect(signed.log.redact(signed.pool, { ...request, ...wrong })).rejects.toMatchObject({ code: 'DB_AUDIT_ENTRY_INVALID' })
    }
  })

  it('goes with the transaction it is part of', async () => {
    const { id } = await viewed()
    const client = await signed.pool.connect()
    try {
      await client.query('BEGIN')
      await signed.log.redact(client, { entry: id, fields: ['cpf'], basis, actor: OFFICER })
      await client.query('ROLLBACK')
    } finally {
      client.release()
    }
    expect((await signed.log.disclose(signed.pool, id)).fields.map(({ outcome }) => outcome)).toEqual(['disclosed', 'disclosed'])
    expect(await signed.log.verify(signed.pool)).toMatchObject({ ok: true })
  })
})

describe('the erasure of an investigation', () => {
  it('erases what opens the commitments of all its entries, and of no other, and tells which', async () => {
    const [one, other, two] = [await viewed('inv_erased'), await viewed('inv_kept'), await viewed('inv_erased')]
    const fields = ['cpf', 'name']
    expect(await deleteOpeningsOf(signed.pool, 'inv_erased')).toEqual([
      { entry: one.seq, fields },
      { entry: two.seq, fields },
    ])
    expect(await deleteOpeningsOf(signed.pool, 'inv_erased')).toEqual([])
    expect((await signed.log.disclose(signed.pool, other.id)).fields.map(({ outcome }) => outcome)).toEqual(['disclosed', 'disclosed'])
    expect((await signed.log.disclose(signed.pool, two.id)).fields.map(({ outcome }) => outcome)).toEqual(['erased', 'erased'])
    expect(await signed.log.verify(signed.pool)).toMatchObject({ ok: true })
  })
})
