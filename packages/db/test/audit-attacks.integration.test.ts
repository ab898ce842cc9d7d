import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestClock } from '@cidadao/contracts'
import type { PoolClient } from 'pg'
import { AuditLog } from '../src/audit/audit-log.ts'
import type { AuditFault } from '../src/audit/chain-replay.ts'
import type { AuditVerification } from '../src/audit/audit-verifier.ts'
import { leafHash, linkHash } from '../src/audit/hash-chain.ts'
import { signCheckpoint } from '../src/audit/transparency/checkpoint.ts'
import { merkleRoot } from '../src/audit/transparency/merkle-tree.ts'
import { createNoteSigner } from '../src/audit/transparency/note-key.ts'
import { openAuditDatabase, type AuditDatabase } from './fixtures/audit-database.ts'

const LAST = 40
const ANCHOR = 30
const ORIGIN = 'audit.example/attacked'
const positions = Array.from({ length: LAST }, (_, index) => index + 1)
const signer = createNoteSigner(ORIGIN, Buffer.alloc(32, 3))
const log = new AuditLog({ origin: ORIGIN, clock: new TestClock() })

let database: AuditDatabase
/** Held by somebody else, as a checkpoint must be. */
let checkpoint: string

beforeAll(async () => {
  database = await openAuditDatabase()
  await log.open(database.pool)
  const entries = positions.slice(1).map((n) => ({
    actor: { kind: 'agent', name: 'zumbi' } as const,
    action: 'anomaly.flagged',
    investigation: `inv_${n % 3}`,
    data: { n, value: '276048.96', órgão: 'Ministério da Saúde' },
  }))
  await log.append(database.pool, entries)
  const { rows } = await database.pool.query<{ leaf_hash: string }>('SELECT leaf_hash FROM audit_logs ORDER BY seq LIMIT $1', [ANCHOR])
  const root = merkleRoot(rows.map((row) => Buffer.from(row.leaf_hash, 'hex')))
  checkpoint = signCheckpoint({ origin: ORIGIN, size: ANCHOR, root }, [signer])
})

afterAll(async () => {
  await database.close()
})

/** What a superuser can do: everything is undone again afterwards, so that each attack meets the honest log. */
class Attacker {
  readonly #client: PoolClient

  constructor(client: PoolClient) {
    this.#client = client
  }

  /** An attack that touches no row proves nothing (pitfall 17). */
  async change(sql: string, ...values: unknown[]): Promise<void> {
    const { rowCount } = await this.#client.query(sql, values)
    if (rowCount === 0) throw new Error(`the attack changed nothing: ${sql}`)
  }

  async define(sql: string): Promise<void> {
    await this.#client.query(sql)
  }

  editPayload(seq: number): Promise<void> {
    return this.change(`UPDATE audit_logs SET payload = replace(payload, '"action":"', '"action":"forged.') WHERE seq = $1`, seq)
  }

  /** Makes stored hashes right again from `from` on, as the writer would have computed them. */
  async rehash(from: number, to: number): Promise<void> {
    const { rows } = await this.#client.query<{ payload: string; previous: string }>(
      `SELECT payload, lag(hash_chain, 1, audit_genesis($2)) OVER (ORDER BY seq) AS previous
       FROM audit_logs WHERE seq BETWEEN $1::bigint - 1 AND $3 ORDER BY seq`,
      [from, ORIGIN, to],
    )
    let previous: Buffer = Buffer.from(rows.at(from - to - 1)?.previous ?? '', 'hex')
    const hashes = rows.slice(from - to - 1).map(({ payload }, index) => {
      const leaf = leafHash(payload)
      const link = linkHash(from + index, previous, leaf)
      const row = { seq: from + index, leaf: leaf.toString('hex'), previous: previous.toString('hex'), link: link.toString('hex') }
      previous = link
      return row
    })
    await this.change(
      `UPDATE audit_logs SET leaf_hash = forged.leaf, prev_hash = forged.previous, hash_chain = forged.link
       FROM json_to_recordset($1) AS forged (seq bigint, leaf text, previous text, link text) WHERE audit_logs.seq = forged.seq`,
      JSON.stringify(hashes),
    )
  }

  moveHeadTo(seq: number): Promise<void> {
    return this.change(
      `UPDATE audit_head SET seq = $1,
         hash_chain = coalesce((SELECT hash_chain FROM audit_logs WHERE seq = $1), audit_genesis($2))`,
      seq,
      ORIGIN,
    )
  }
}

async function verdictAfter(attack: (attacker: Attacker) => Promise<void>): Promise<AuditVerification> {
  const client = await database.pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('ALTER TABLE audit_logs DISABLE TRIGGER ALL')
    await client.query('ALTER TABLE audit_head DISABLE TRIGGER ALL')
    await client.query('ALTER TABLE audit_private DROP CONSTRAINT audit_private_entry_id_fkey')
    await attack(new Attacker(client))
    return await log.verify(client, { checkpoint, vkey: signer.vkey, batchSize: 7 })
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}

function fault(kind: AuditFault, firstBadSeq: number | null): object {
  return { ok: false, kind, firstBadSeq }
}

/** What nobody can see without a younger checkpoint, and the documents say so. */
function unseen(last: number): object {
  return { ok: true, anchoredTo: ANCHOR, unanchored: last - ANCHOR }
}

describe(`an attacker who owns the database, against a log of ${LAST} entries with a checkpoint outside at ${ANCHOR}`, () => {
  it('finds nothing to complain of before the attacks, nor after them', async () => {
    const honest = { ok: true, checked: LAST, anchoredTo: ANCHOR, unanchored: LAST - ANCHOR }
    expect(await verdictAfter(async () => {})).toMatchObject(honest)
  })

  it.each(positions)('is found editing the payload of entry %i', async (seq) => {
    expect(await verdictAfter((attacker) => attacker.editPayload(seq))).toMatchObject(fault('leaf', seq))
  })

  it.each(positions)('is found editing entry %i and mending its own leaf hash', async (seq) => {
    const verdict = await verdictAfter(async (attacker) => {
      await attacker.editPayload(seq)
      await attacker.change(
        `UPDATE audit_logs SET leaf_hash = encode(sha256('\\x00' || convert_to(payload, 'UTF8')), 'hex') WHERE seq = $1`,
        seq,
      )
    })
    expect(verdict).toMatchObject(fault('link', seq))
  })

  it.each(positions)('is found editing entry %i and mending all of its own hashes', async (seq) => {
    const verdict = await verdictAfter(async (attacker) => {
      await attacker.editPayload(seq)
      await attacker.rehash(seq, seq)
    })
    // Betrayed by its successor; the last one, which has none, by the head row, and that of the checkpoint by the root.
    const betrayed = seq === LAST ? fault('inconsistent', LAST) : fault('link', seq + 1)
    expect(verdict).toMatchObject(seq === ANCHOR ? fault('root', null) : betrayed)
  })

  it.each(positions.slice(0, -1))('is found deleting entry %i', async (seq) => {
    expect(await verdictAfter((attacker) => attacker.change('DELETE FROM audit_logs WHERE seq = $1', seq))).toMatchObject(fault('gap', seq))
  })

  it.each(positions.slice(0, -1))('is found deleting entry %i and renumbering those after it, head row mended', async (seq) => {
    const verdict = await verdictAfter(async (attacker) => {
      await attacker.change('DELETE FROM audit_logs WHERE seq = $1', seq)
      await attacker.change('UPDATE audit_logs SET seq = seq + 1000 WHERE seq > $1', seq)
      await attacker.change('UPDATE audit_logs SET seq = seq - 1001 WHERE seq > 1000')
      await attacker.moveHeadTo(LAST - 1)
    })
    expect(verdict).toMatchObject(fault('link', seq))
  })

  it.each(positions.slice(0, -1))('is found swapping entry %i with the next', async (seq) => {
    const verdict = await verdictAfter(async (attacker) => {
      await attacker.change('UPDATE audit_logs SET seq = seq + 1000 WHERE seq IN ($1::bigint, $1::bigint + 1)', seq)
      await attacker.change('UPDATE audit_logs SET seq = 2 * $1::bigint + 1001 - seq WHERE seq > 1000', seq)
    })
    expect(verdict).toMatchObject(fault('link', seq))
  })

  it.each(positions)('is found cutting the log from entry %i on, head row left', async (seq) => {
    expect(await verdictAfter((attacker) => attacker.change('DELETE FROM audit_logs WHERE seq >= $1', seq))).toMatchObject(
      fault('short', seq),
    )
  })

  it.each(positions)('cutting the log from entry %i on with the head row mended is found up to the checkpoint only', async (seq) => {
    const verdict = await verdictAfter(async (attacker) => {
      await attacker.change('DELETE FROM audit_logs WHERE seq >= $1', seq)
      await attacker.moveHeadTo(seq - 1)
    })
    expect(verdict).toMatchObject(seq <= ANCHOR ? fault('short', seq) : unseen(seq - 1))
  })

  it.each(positions)('rewriting everything from entry %i on is found up to the checkpoint only', async (seq) => {
    const verdict = await verdictAfter(async (attacker) => {
      await attacker.editPayload(seq)
      await attacker.rehash(seq, LAST)
      await attacker.moveHeadTo(LAST)
    })
    expect(verdict).toMatchObject(seq <= ANCHOR ? fault('root', null) : unseen(LAST))
  })

  const forgeries: readonly (readonly [column: string, forged: string])[] = [
    ['id', 'gen_random_uuid()'],
    ['investigation_id', `'inv_other'`],
    ['agent_name', `'somebody-else'`],
    ['action', `'nothing.happened'`],
    ['"timestamp"', `"timestamp" + interval '1 microsecond'`],
    ['data', `'{}'`],
  ]
  it.each(forgeries)(
    'is found turning column %s into an ordinary one and changing it, at every position (pitfall 14)',
    async (column, forged) => {
      for (const seq of positions) {
        const verdict = await verdictAfter(async (attacker) => {
          await attacker.define('ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_payload_check')
          await attacker.define(`ALTER TABLE audit_logs ALTER COLUMN ${column} DROP EXPRESSION`)
          if (column === 'data' && seq === 1) return attacker.change(`UPDATE audit_logs SET data = '{"a":1}' WHERE seq = 1`)
          await attacker.change(`UPDATE audit_logs SET ${column} = ${forged} WHERE seq = $1`, seq)
        })
        expect(verdict).toMatchObject(fault('column', seq))
      }
    },
  )

  it('is found where a verifier that trusts the stored previous hash sees nothing (pitfall 12)', async () => {
    const trusting = `SELECT count(*) FROM audit_logs WHERE hash_chain <> encode(sha256('cidadao-audit/v1/link'::bytea || '\\x00'
      || int8send(seq) || decode(prev_hash, 'hex') || sha256('\\x00' || convert_to(payload, 'UTF8'))), 'hex')`
    const client = await database.pool.connect()
    try {
      await client.query('BEGIN; ALTER TABLE audit_logs DISABLE TRIGGER ALL')
      const attacker = new Attacker(client)
      await attacker.editPayload(17)
      await attacker.rehash(17, 17)
      expect((await client.query<{ count: string }>(trusting)).rows).toEqual([{ count: '0' }])
      expect(await log.verify(client)).toMatchObject(fault('link', 18))
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  })

  it('is found adding rows that reading by number would never meet', async () => {
    const forge = async (attacker: Attacker, seq: string): Promise<void> => {
      await attacker.define('ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_pkey, DROP CONSTRAINT audit_logs_seq_check')
      await attacker.define('ALTER TABLE audit_logs ALTER COLUMN seq DROP NOT NULL')
      await attacker.change(
        `INSERT INTO audit_logs (seq, payload, leaf_hash, prev_hash, hash_chain)
         SELECT ${seq}, replace(payload, id::text, gen_random_uuid()::text), leaf_hash, reverse(prev_hash), reverse(hash_chain)
         FROM audit_logs WHERE seq = 7`,
      )
    }
    expect(await verdictAfter((attacker) => forge(attacker, '0'))).toMatchObject(fault('inconsistent', null))
    expect(await verdictAfter((attacker) => forge(attacker, 'NULL'))).toMatchObject(fault('inconsistent', null))
    // Batches of 7: a second entry 7 lies on the border, where reading by key jumps over it.
    expect(await verdictAfter((attacker) => forge(attacker, '7'))).toMatchObject({ ok: false })
  })

  it('is found moving the head row back, away, or to another origin', async () => {
    expect(await verdictAfter((attacker) => attacker.moveHeadTo(35))).toMatchObject(fault('inconsistent', 36))
    expect(await verdictAfter((attacker) => attacker.change('DELETE FROM audit_head'))).toMatchObject(fault('inconsistent', 1))
    const renamed = await verdictAfter((attacker) => attacker.change(`UPDATE audit_head SET origin = 'audit.example/other'`))
    expect(renamed).toMatchObject(fault('inconsistent', null))
  })

  it('is found emptying the log, whether or not it is opened anew', async () => {
    const emptied = async (attacker: Attacker): Promise<void> => {
      await attacker.change('DELETE FROM audit_logs')
      await attacker.change('DELETE FROM audit_head')
    }
    expect(await verdictAfter(emptied)).toMatchObject(fault('short', 1))
    const reopened = await verdictAfter(async (attacker) => {
      await emptied(attacker)
      await attacker.change(`INSERT INTO audit_head (origin, seq, hash_chain) VALUES ('${ORIGIN}', 0, audit_genesis('${ORIGIN}'))`)
    })
    expect(reopened).toMatchObject(fault('short', 1))
  })

  it('is found passing off the log of another deployment (pitfall 13)', async () => {
    const other = new AuditLog({ origin: 'audit.example/other' })
    expect(await other.verify(database.pool)).toMatchObject(fault('link', 1))
  })

  it('is found re-serialising payloads, as a replica that goes through JSONB does (pitfalls 7, 8 and 27)', async () => {
    const verdict = await verdictAfter(async (attacker) => {
      await attacker.define('ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_payload_check')
      await attacker.change('UPDATE audit_logs SET payload = payload::jsonb::text')
    })
    expect(verdict).toMatchObject(fault('leaf', 1))
  })
})

describe('a second history beside the first', () => {
  const COLUMNS = 'seq, payload, leaf_hash, prev_hash, hash_chain'

  /** Inserts a copy of entry 40 with some of its values replaced, past all functions and triggers. */
  async function insert(change: Readonly<Partial<Record<'seq' | 'leaf_hash' | 'prev_hash' | 'hash_chain', string>>>): Promise<unknown> {
    const own = { seq: '41', leaf_hash: 'leaf_hash', prev_hash: 'hash_chain', hash_chain: 'reverse(hash_chain)', ...change }
    const client = await database.pool.connect()
    try {
      await client.query('BEGIN')
      const { rowCount } = await client.query(
        `INSERT INTO audit_logs (${COLUMNS}) SELECT ${own.seq}, replace(payload, id::text, gen_random_uuid()::text),
           ${own.leaf_hash}, ${own.prev_hash}, ${own.hash_chain} FROM audit_logs WHERE seq = ${LAST}`,
      )
      return rowCount
    } catch (error) {
      const { code, constraint, column } = error as { readonly code: string; readonly constraint?: string; readonly column?: string }
      return { code, name: constraint ?? column }
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  }

  it('is one entry away: the copy is accepted where nothing is wrong with it, so that the refusals below prove something (pitfall 17)', async () => {
    expect(await insert({})).toBe(1)
  })

  it('is refused by UNIQUE: no entry has two successors, no hash and no number stands twice (pitfall 1)', async () => {
    expect(await insert({ prev_hash: 'prev_hash' })).toEqual({ code: '23505', name: 'audit_logs_prev_hash_key' })
    expect(await insert({ hash_chain: 'hash_chain' })).toEqual({ code: '23505', name: 'audit_logs_hash_chain_key' })
    expect(await insert({ seq: '40' })).toEqual({ code: '23505', name: 'audit_logs_pkey' })
  })

  it.each(['leaf_hash', 'prev_hash', 'hash_chain', 'seq'] as const)('is refused by NOT NULL without %s', async (column) => {
    expect(await insert({ [column]: 'NULL' })).toEqual({ code: '23502', name: column })
  })

  it.each([
    ['in upper case', 'upper(hash_chain)'],
    ['too short', `repeat('0', 62)`],
    ['that is no hex', `repeat('0', 63) || 'g'`],
    ['with a space', `repeat('0', 63) || ' '`],
    ['that is empty', `''`],
  ])('is refused with a hash %s', async (_name, hash) => {
    for (const column of ['leaf_hash', 'prev_hash', 'hash_chain']) {
      expect(await insert({ [column]: hash }), column).toMatchObject({ code: expect.stringMatching(/^23514$|^22023$/) as string })
    }
  })

  it('is found where it was put in after all, with the constraints dropped', async () => {
    const fork = async (attacker: Attacker): Promise<void> => {
      await attacker.define('ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_prev_hash_key')
      await attacker.change(
        `INSERT INTO audit_logs (${COLUMNS}) SELECT 41, replace(payload, id::text, gen_random_uuid()::text), leaf_hash, prev_hash,
           reverse(hash_chain) FROM audit_logs WHERE seq = ${LAST}`,
      )
    }
    // The copy's payload is not the one of its leaf hash; where that is mended too, it still does not continue entry 40.
    expect(await verdictAfter(fork)).toMatchObject(fault('leaf', 41))
    const mended = await verdictAfter(async (attacker) => {
      await fork(attacker)
      await attacker.change(
        `UPDATE audit_logs SET leaf_hash = encode(sha256('\\x00' || convert_to(payload, 'UTF8')), 'hex') WHERE seq = 41`,
      )
    })
    expect(mended).toMatchObject(fault('link', 41))
  })

  it('cannot be proved absent by an attack that touches nothing: such a test fails (pitfall 17)', async () => {
    await expect(verdictAfter((attacker) => attacker.editPayload(LAST + 1))).rejects.toThrow('the attack changed nothing')
  })
})
