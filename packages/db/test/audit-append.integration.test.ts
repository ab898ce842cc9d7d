import { setTimeout as wait } from 'node:timers/promises'
import { TestClock, type JsonObject } from '@cidadao/contracts'
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEntry } from '../src/audit/audit-entry.ts'
import { AuditLog } from '../src/audit/audit-log.ts'
import { opensCommitment } from '../src/audit/commitment.ts'
import type { SqlExecutor, SqlStatement } from '../src/sql-executor.ts'
import { openAuditDatabase, type AuditDatabase } from './fixtures/audit-database.ts'
import { VECTORS } from './fixtures/audit-vectors.ts'

const ORIGIN = 'audit.example/append'

let database: AuditDatabase
const log = new AuditLog({ origin: ORIGIN })

beforeAll(async () => {
  database = await openAuditDatabase()
  await database.pool.query('CREATE TABLE business (id text PRIMARY KEY)')
  await log.open(database.pool)
})

afterAll(async () => {
  await database.close()
})

function entry(action: string, more: Partial<AuditEntry> = {}): AuditEntry {
  return { actor: { kind: 'agent', name: 'zumbi' }, action, investigation: 'inv_001', ...more }
}

/** Counts what goes over the wire. */
function counting(executor: SqlExecutor): SqlExecutor & { readonly sent: (SqlStatement | string)[] } {
  const sent: (SqlStatement | string)[] = []
  return {
    sent,
    query: (query, values) => {
      sent.push(query)
      return executor.query(query, values)
    },
  }
}

async function inTransaction<Result>(work: (client: PoolClient) => Promise<Result>, ending = 'COMMIT'): Promise<Result> {
  const client = await database.pool.connect()
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query(ending)
    return result
  } catch (thrown) {
    await client.query('ROLLBACK')
    throw thrown
  } finally {
    client.release()
  }
}

async function numbers(): Promise<readonly number[]> {
  const { rows } = await database.pool.query<{ seq: string }>('SELECT seq FROM audit_logs ORDER BY seq')
  return rows.map((row) => Number(row.seq))
}

async function headSeq(): Promise<number> {
  const { rows } = await database.pool.query<{ seq: string }>('SELECT seq FROM audit_head')
  return Number(rows[0]?.seq)
}

describe('open', () => {
  it('writes genesis and log.open once, however many processes open at once', async () => {
    const fresh = await openAuditDatabase()
    try {
      const opened = await Promise.all(Array.from({ length: 8 }, () => new AuditLog({ origin: ORIGIN }).open(fresh.pool)))
      expect(opened.filter(({ outcome }) => outcome === 'opened')).toHaveLength(1)
      expect(opened.every(({ seq }) => seq === 1)).toBe(true)
      const { rows } = await fresh.pool.query('SELECT seq, action, agent_name, data FROM audit_logs')
      expect(rows).toEqual([{ seq: '1', action: 'log.open', agent_name: 'system', data: {} }])
      expect(await log.open(fresh.pool)).toEqual({ outcome: 'found', seq: 1 })
      expect(await log.verify(fresh.pool)).toMatchObject({ ok: true, checked: 1 })
    } finally {
      await fresh.close()
    }
  })

  it('refuses the log of another deployment, and so does append (pitfall 13)', async () => {
    const other = new AuditLog({ origin: 'audit.example/other' })
    await expect(other.open(database.pool)).rejects.toMatchObject({ code: 'DB_AUDIT_ORIGIN_MISMATCH' })
    await expect(other.append(database.pool, [entry('a.b')])).rejects.toMatchObject({ code: 'DB_AUDIT_ORIGIN_MISMATCH' })
  })

  it('does not begin a second history where entries are left but the head row is gone', async () => {
    await expect(
      inTransaction(async (client) => {
        await client.query('ALTER TABLE audit_head DISABLE TRIGGER ALL')
        expect((await client.query('DELETE FROM audit_head')).rowCount).toBe(1)
        await log.open(client)
      }),
    ).rejects.toMatchObject({ code: 'DB_AUDIT_ORIGIN_MISMATCH' })
  })

  it('has to come before append and verify, which say so', async () => {
    const fresh = await openAuditDatabase()
    try {
      await expect(log.append(fresh.pool, [entry('a.b')])).rejects.toMatchObject({ code: 'DB_AUDIT_NOT_OPEN' })
      await expect(log.verify(fresh.pool)).rejects.toMatchObject({ code: 'DB_AUDIT_NOT_OPEN' })
    } finally {
      await fresh.close()
    }
  })

  it.each(['', 'two words', 'a+b'])('refuses the origin %j, which could name no key', (origin) => {
    expect(() => new AuditLog({ origin })).toThrow('audit origin')
  })
})

describe('append', () => {
  it('reaches the hashes of the vectors in the database too', async () => {
    const fresh = await openAuditDatabase()
    try {
      const [opening, ...rest] = VECTORS.entries.map(({ payload }) => payload)
      const head = await fresh.pool.query('SELECT origin, seq, opened FROM audit_open($1, $2)', [VECTORS.origin, opening])
      expect(head.rows).toEqual([{ origin: VECTORS.origin, seq: '1', opened: true }])
      await fresh.pool.query('SELECT * FROM audit_append($1::text[])', [rest])
      const { rows } = await fresh.pool.query(
        'SELECT seq::int AS seq, payload, leaf_hash, hash_chain, prev_hash FROM audit_logs ORDER BY seq',
      )
      const previous = [VECTORS.genesis, ...VECTORS.entries.map(({ hash_chain: hash }) => hash)]
      expect(rows).toEqual(
        VECTORS.entries.map(({ seq, payload, leaf_hash, hash_chain }) => ({
          seq,
          payload,
          leaf_hash,
          hash_chain,
          prev_hash: previous[seq - 1],
        })),
      )
      const checkpoint = { checkpoint: VECTORS.signed_checkpoint_5, vkey: VECTORS.vkey }
      const verdict = await new AuditLog({ origin: VECTORS.origin }).verify(fresh.pool, checkpoint)
      expect(verdict).toMatchObject({ ok: true, checked: 5, anchoredTo: 5, unanchored: 0 })
    } finally {
      await fresh.close()
    }
  })

  it('is one statement, sent only when every payload is made (pitfall 2)', async () => {
    const wire = counting(database.pool)
    await log.append(wire, [entry('a.b'), entry('a.c', { personal: { cpf: '111.444.777-35' } })])
    expect(wire.sent).toHaveLength(1)
    const invalid = entry('a.d', { data: { bad: Number.NaN } })
    await expect(log.append(wire, [entry('a.b'), invalid])).rejects.toMatchObject({ code: 'DB_AUDIT_NOT_CANONICAL' })
    expect(await log.append(wire, [])).toEqual([])
    expect(wire.sent).toHaveLength(1)
  })

  it('gives back where each entry stands, in the order given', async () => {
    const before = await headSeq()
    const receipts = await log.append(database.pool, [entry('a.one'), entry('a.two'), entry('a.three')])
    expect(receipts.map(({ seq }) => seq)).toEqual([before + 1, before + 2, before + 3])
    const { rows } = await database.pool.query('SELECT id, action, leaf_hash, hash_chain FROM audit_logs WHERE seq > $1 ORDER BY seq', [
      before,
    ])
    expect(rows).toEqual(
      receipts.map(({ id, leafHash, hashChain }, index) => {
        return { id, action: ['a.one', 'a.two', 'a.three'][index], leaf_hash: leafHash, hash_chain: hashChain }
      }),
    )
  })

  it('commits with the change it tells of, and goes with it when that is rolled back, leaving no gap (pitfall 4)', async () => {
    const before = await headSeq()
    const change = async (client: PoolClient, id: string): Promise<void> => {
      await client.query('INSERT INTO business VALUES ($1)', [id])
      await log.append(client, [entry('business.created', { data: { id } })])
    }
    await inTransaction((client) => change(client, 'undone'), 'ROLLBACK')
    await inTransaction((client) => change(client, 'done'))
    expect((await database.pool.query('SELECT id FROM business')).rows).toEqual([{ id: 'done' }])
    expect(await headSeq()).toBe(before + 1)
    expect(await numbers()).toEqual(Array.from({ length: before + 1 }, (_, index) => index + 1))
    expect(await log.verify(database.pool)).toMatchObject({ ok: true })
  })

  it('fails closed: when the entry cannot be written, the change is not made either (pitfall 26)', async () => {
    const blocker = await database.pool.connect()
    try {
      await blocker.query('BEGIN; SELECT FROM audit_head FOR UPDATE')
      const work = inTransaction(async (client) => {
        await client.query(`SET LOCAL lock_timeout = '50ms'`)
        await client.query(`INSERT INTO business VALUES ('unrecorded')`)
        await log.append(client, [entry('business.created')])
      })
      await expect(work).rejects.toMatchObject({ code: '55P03' })
    } finally {
      await blocker.query('ROLLBACK')
      blocker.release()
    }
    expect((await database.pool.query(`SELECT FROM business WHERE id = 'unrecorded'`)).rowCount).toBe(0)
    // Also for a caller that swallows the error and commits: the transaction is aborted already.
    const client = await database.pool.connect()
    try {
      await client.query(`BEGIN; INSERT INTO business VALUES ('unrecorded')`)
      await expect(new AuditLog({ origin: 'audit.example/other' }).append(client, [entry('a.b')])).rejects.toThrow()
      await client.query('COMMIT')
    } finally {
      client.release()
    }
    expect((await database.pool.query(`SELECT FROM business WHERE id = 'unrecorded'`)).rowCount).toBe(0)
  })

  it('stamps its own time: older events keep theirs in data, so nobody back-fills history (pitfall 25)', async () => {
    const clock = new TestClock(new Date('2026-03-01T10:20:30.405Z'))
    const stamped = new AuditLog({ origin: ORIGIN, clock })
    const smuggled = { ...entry('history.imported', { data: { occurred: '2019-05-01' } }), ts: '2019-05-01T00:00:00.000000Z', id: 'mine' }
    const [receipt] = await stamped.append(database.pool, [smuggled])
    const { rows } = await database.pool.query('SELECT id, payload::json ->> $2 AS ts, "timestamp" AS at FROM audit_logs WHERE seq = $1', [
      receipt?.seq,
      'ts',
    ])
    expect(rows).toEqual([{ id: receipt?.id, ts: '2026-03-01T10:20:30.405000Z', at: new Date('2026-03-01T10:20:30.405Z') }])
  })

  it('orders by number, never by time: the clock may jump back (pitfall 3)', async () => {
    const clock = new TestClock()
    const jumping = new AuditLog({ origin: ORIGIN, clock })
    await jumping.append(database.pool, [entry('clock.before', { investigation: 'inv_clock' })])
    clock.jumpWallClock(-3_600_000)
    await jumping.append(database.pool, [entry('clock.after', { investigation: 'inv_clock' })])
    const records = await log.entriesOf(database.pool, 'inv_clock')
    expect(records.map(({ action }) => action)).toEqual(['clock.before', 'clock.after'])
    expect(records.map(({ ts }) => ts)).toEqual(['2024-01-31T12:00:00.000000Z', '2024-01-31T11:00:00.000000Z'])
    expect(await log.verify(database.pool)).toMatchObject({ ok: true })
  })

  it('keeps the openings of commitments in a table of its own, and erasing them leaves the chain whole', async () => {
    const [receipt] = await log.append(database.pool, [entry('report.viewed', { personal: { cpf: '111.444.777-35', name: 'José' } })])
    const openings = await database.pool.query<{ field: string; salt: Buffer; value: string }>(
      'SELECT field, salt, value FROM audit_private WHERE entry_id = $1 ORDER BY field',
      [receipt?.id],
    )
    expect(openings.rows.map(({ field, value }) => [field, value])).toEqual([
      ['cpf', '"111.444.777-35"'],
      ['name', '"José"'],
    ])
    const { rows } = await database.pool.query<{ data: { committed: Record<string, string> } }>(
      'SELECT data FROM audit_logs WHERE seq = $1',
      [receipt?.seq],
    )
    const committed = rows[0]?.data.committed ?? {}
    for (const { field, salt, value } of openings.rows) {
      expect(opensCommitment({ field, salt, valueJson: value }, committed[field] ?? '')).toBe(true)
    }
    expect((await database.pool.query('DELETE FROM audit_private WHERE entry_id = $1', [receipt?.id])).rowCount).toBe(2)
    expect(await log.verify(database.pool)).toMatchObject({ ok: true })
  })

  it('writes entry and openings together or not at all', async () => {
    const count = async (): Promise<string> =>
      (await database.pool.query<{ n: string }>('SELECT count(*) AS n FROM audit_private')).rows[0]?.n ?? ''
    const before = [await headSeq(), await count()]
    await inTransaction((client) => log.append(client, [entry('a.b', { personal: { cpf: '1' } })]), 'ROLLBACK')
    expect([await headSeq(), await count()]).toEqual(before)
  })

  it('carries every kind of text and number unharmed', async () => {
    const data: JsonObject = {
      órgão: 'Ministério da Saúde – São Paulo 🇧🇷',
      control: '\u0001\b\t\n\u000b\f\r\u001f"\\\u007f\u2028\u2029',
      array: '{"not","an","array literal",NULL,\\}',
      numbers: [0, -0, 1e21, 1e-7, 276048.96, 9007199254740991],
      nested: { '10': [], '9': {}, __proto: null },
    }
    const [receipt] = await log.append(database.pool, [entry('text.kept', { investigation: 'inv_"é\\n"', data })])
    const [record] = await log.entriesOf(database.pool, 'inv_"é\\n"')
    expect(record).toMatchObject({ seq: receipt?.seq, data: JSON.parse(JSON.stringify(data)) as object })
    expect(await log.verify(database.pool)).toMatchObject({ ok: true })
  })

  it('takes a payload of exactly 64 KiB, and 50 of them at once', async () => {
    const [probe] = await log.append(database.pool, [entry('size.probe', { data: { filler: '' } })])
    const { rows } = await database.pool.query<{ n: number }>('SELECT octet_length(payload) AS n FROM audit_logs WHERE seq = $1', [
      probe?.seq,
    ])
    const filler = 'x'.repeat(65_536 - (rows[0]?.n ?? 0))
    const full = entry('size.probe', { data: { filler } })
    expect(
      await log.append(
        database.pool,
        Array.from({ length: 50 }, () => full),
      ),
    ).toHaveLength(50)
    await expect(log.append(database.pool, [entry('size.probe', { data: { filler: `${filler}x` } })])).rejects.toMatchObject({
      code: 'DB_AUDIT_NOT_CANONICAL',
    })
    expect(await log.verify(database.pool)).toMatchObject({ ok: true })
  })
})

describe('writers at the same time', () => {
  it('never fork and leave no gap: 8 writers, 400 entries, every fifth transaction rolled back (pitfall 1)', async () => {
    const fresh = await openAuditDatabase()
    try {
      await log.open(fresh.pool)
      const writer = async (name: string): Promise<void> => {
        const client = await fresh.pool.connect()
        try {
          for (let round = 0; round < 25; round += 1) {
            await client.query('BEGIN')
            await log.append(client, [
              entry('writer.wrote', { data: { name, round } }),
              entry('writer.wrote', { data: { name, round, half: 2 } }),
            ])
            await client.query(round % 5 === 4 ? 'ROLLBACK' : 'COMMIT')
          }
        } finally {
          client.release()
        }
      }
      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(writer))
      const verdict = await log.verify(fresh.pool)
      expect(verdict).toMatchObject({ ok: true, checked: 1 + 8 * 20 * 2 })
      const { rows } = await fresh.pool.query<{ forks: string }>('SELECT count(*) - count(DISTINCT prev_hash) AS forks FROM audit_logs')
      expect(rows).toEqual([{ forks: '0' }])
    } finally {
      await fresh.close()
    }
  })

  it('cannot fork from an old snapshot: a REPEATABLE READ transaction that comes late is refused, to be tried again', async () => {
    const work = inTransaction(async (client) => {
      await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
      await client.query('SELECT FROM audit_logs')
      await log.append(database.pool, [entry('snapshot.other')])
      await log.append(client, [entry('snapshot.late')])
    })
    await expect(work).rejects.toMatchObject({ code: '40001' })
    expect(await log.verify(database.pool)).toMatchObject({ ok: true })
  })

  it('wait only for a transaction that has appended, not for one that has yet to', async () => {
    const slow = await database.pool.connect()
    try {
      await slow.query(`BEGIN; INSERT INTO business VALUES ('slow')`)
      await log.append(database.pool, [entry('queue.first')])
      await log.append(slow, [entry('queue.second')])
      const third = log.append(database.pool, [entry('queue.third')])
      expect(await Promise.race([third.then(() => 'through'), blockedWriter()])).toBe('waiting')
      await slow.query('COMMIT')
      await third
    } finally {
      slow.release()
    }
    const last = await database.pool.query('SELECT action FROM audit_logs ORDER BY seq DESC LIMIT 3')
    expect(last.rows).toEqual([{ action: 'queue.third' }, { action: 'queue.second' }, { action: 'queue.first' }])
  })
})

/** Resolves once the server itself says that a session waits for the log's lock. */
async function blockedWriter(): Promise<'waiting'> {
  for (;;) {
    const { rowCount } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%audit_append%'`,
    )
    if (rowCount !== 0) return 'waiting'
    await wait(5)
  }
}
