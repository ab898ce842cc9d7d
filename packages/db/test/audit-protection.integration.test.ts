import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEntry } from '../src/audit/audit-entry.ts'
import { AuditLog } from '../src/audit/audit-log.ts'
import { migrationScripts, openAuditDatabase, type AuditDatabase } from './fixtures/audit-database.ts'

const ORIGIN = 'audit.example/protected'
const ENTRY: AuditEntry = { actor: { kind: 'agent', name: 'zumbi' }, action: 'anomaly.flagged', data: { n: 1 } }
const REFUSED = { code: '42501' }
const CHECK = { code: '23514' }
const log = new AuditLog({ origin: ORIGIN })

let database: AuditDatabase

beforeAll(async () => {
  database = await openAuditDatabase()
  await log.open(database.pool)
  await log.append(database.pool, [ENTRY, ENTRY, ENTRY])
})

afterAll(async () => {
  await database.close()
})

/** A session as superuser whose work is undone. */
async function withClient(work: (client: Client) => Promise<void>, url = database.url): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

const CHANGES = [
  `UPDATE audit_logs SET payload = payload WHERE seq = 2`,
  `UPDATE audit_logs SET hash_chain = repeat('0', 64) WHERE seq = 2`,
  `DELETE FROM audit_logs WHERE seq = 4`,
  `TRUNCATE audit_logs CASCADE`,
  `UPDATE audit_head SET seq = seq - 1`,
  `UPDATE audit_head SET seq = seq, hash_chain = repeat('0', 64)`,
  `UPDATE audit_head SET origin = 'audit.example/other', seq = seq + 1`,
  `DELETE FROM audit_head`,
  `TRUNCATE audit_head`,
]

describe('the triggers', () => {
  it('stand in front of rows that exist, so that the refusals below prove something (pitfall 17)', async () => {
    const { rows } = await database.pool.query(
      'SELECT (SELECT count(*) FROM audit_logs) AS entries, (SELECT count(*) FROM audit_head) AS heads',
    )
    expect(rows).toEqual([{ entries: '4', heads: '1' }])
  })

  it.each(CHANGES)('refuse, even to a superuser: %s', async (sql) => {
    await expect(database.pool.query(sql)).rejects.toMatchObject(REFUSED)
    expect(await log.verify(database.pool)).toMatchObject({ ok: true, checked: 4 })
  })

  it.each(CHANGES)('refuse under session_replication_role = replica as well (pitfall 15): %s', async (sql) => {
    await withClient(async (client) => {
      await client.query('SET session_replication_role = replica')
      await expect(client.query(sql)).rejects.toMatchObject(REFUSED)
    })
  })

  it('are seen to be missing by nobody but the verification once an owner disables them: that is the limit (pitfall 15)', async () => {
    await withClient(async (client) => {
      await client.query('BEGIN; ALTER TABLE audit_logs DISABLE TRIGGER ALL')
      expect((await client.query(`UPDATE audit_logs SET leaf_hash = reverse(leaf_hash) WHERE seq = 2`)).rowCount).toBe(1)
      expect(await log.verify(client)).toMatchObject({ ok: false, kind: 'leaf', firstBadSeq: 2 })
      await client.query('ROLLBACK')
    })
  })
})

describe('the columns', () => {
  it('cannot be written beside the payload (pitfall 14)', async () => {
    const columns = ['id', 'investigation_id', 'agent_name', 'action', 'timestamp', 'data']
    const { rows } = await database.pool.query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'audit_logs'::regclass AND attgenerated = 's' ORDER BY attnum`,
    )
    expect(rows.map(({ name }) => name)).toEqual(columns)
    const sql = `INSERT INTO audit_logs (seq, payload, leaf_hash, prev_hash, hash_chain, agent_name) VALUES (9, '{}', '', '', '', 'x')`
    await expect(database.pool.query(sql)).rejects.toMatchObject({ code: '428C9' })
  })

  it('keep the text of data as it was, order and numbers (pitfall 7)', async () => {
    const payload = (await storedPayload()).replace('"data":{"n":1}', '"data":{"z":1e+21,"a":0.10,"a":2}')
    await withClient(async (client) => {
      await client.query('BEGIN')
      await client.query('SELECT FROM audit_append(ARRAY[$1])', [payload.replace(/"id":"[^"]+"/u, `"id":"${crypto.randomUUID()}"`)])
      const { rows } = await client.query<{ data: string }>('SELECT data::text AS data FROM audit_logs ORDER BY seq DESC LIMIT 1')
      expect(rows).toEqual([{ data: '{"z":1e+21,"a":0.10,"a":2}' }])
      await client.query('ROLLBACK')
    })
  })

  it('are of types that know their zone and their precision (pitfalls 5 and 6)', async () => {
    const { rows } = await database.pool.query<{ type: string }>(
      `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'audit_logs'::regclass AND attname = 'timestamp'`,
    )
    expect(rows).toEqual([{ type: 'timestamp(6) with time zone' }])
    await withClient(async (client) => {
      await client.query(`SET TimeZone = 'America/Sao_Paulo'; SET DateStyle = 'German'`)
      expect(await log.verify(client)).toMatchObject({ ok: true, checked: 4 })
    })
  })
})

async function storedPayload(): Promise<string> {
  const { rows } = await database.pool.query<{ payload: string }>('SELECT payload FROM audit_logs WHERE seq = 2')
  return rows[0]?.payload ?? ''
}

describe('audit_append, called past the library', () => {
  const fresh = (payload: string): string => payload.replace(/"id":"[^"]+"/u, `"id":"${crypto.randomUUID()}"`)
  const append = async (payload: string): Promise<unknown> => database.pool.query('SELECT FROM audit_append(ARRAY[$1])', [payload])

  it.each<readonly [name: string, change: (payload: string) => string, error: object]>([
    ['a member twice', (payload) => payload.replace('"v":1', '"action":"other.thing","v":1'), CHECK],
    ['a member more', (payload) => payload.replace('{"action"', '{"aaa":1,"action"'), CHECK],
    ['members in another order', (payload) => payload.replace(',"v":1', '').replace('{', '{"v":1,'), CHECK],
    ['white space', (payload) => payload.replace('","', '", "'), CHECK],
    ['another version', (payload) => payload.replace('"v":1', '"v":2'), CHECK],
    ['data that is no object', (payload) => payload.replace('{"n":1}', '[]'), CHECK],
    ['a number for an investigation', (payload) => payload.replace('"investigation":null', '"investigation":5'), CHECK],
    ['an id in upper case', (payload) => payload.replace(/"id":"[^"]+"/u, (id) => `"id"${id.slice(4).toUpperCase()}`), CHECK],
    ['no agent', (payload) => payload.replace(/"agent":"[^"]+",/u, ''), { code: '23502' }],
    ['an agent that is too long', (payload) => payload.replace('"zumbi"', `"${'z'.repeat(101)}"`), { code: '22001' }],
    ['three decimals', (payload) => payload.replace(/\d{3}Z/u, 'Z'), { code: '22P02' }],
    ['seven decimals', (payload) => payload.replace(/\d{3}Z/u, '0000Z'), CHECK],
    ['a time zone', (payload) => payload.replace(/Z"/u, '+03:00"'), CHECK],
    ['a space for the T', (payload) => payload.replace(/(\d)T(\d)/u, '$1 $2'), CHECK],
    ['a second 60', (payload) => payload.replace(/\d\d\.\d{6}Z/u, '60.000000Z'), CHECK],
    ['no instant', (payload) => payload.replace(/"ts":"[^"]+",/u, ''), { code: '23502' }],
    ['a month 13', (payload) => payload.replace(/"ts":"\d{4}-\d\d/u, '"ts":"2024-13'), { code: '22008' }],
    ['another log', (payload) => payload.replace(ORIGIN, 'audit.example/other'), { code: 'ZA002' }],
    ['no log', (payload) => payload.replace(`"log":"${ORIGIN}",`, ''), { code: 'ZA002' }],
    ['text that is no JSON', () => '{', { code: '22P02' }],
  ])('refuses %s', async (_name, change, error) => {
    await expect(append(change(fresh(await storedPayload())))).rejects.toMatchObject(error)
  })

  it('refuses an id that is there already, and no payloads or a null one', async () => {
    await expect(append(await storedPayload())).rejects.toMatchObject({ code: '23505', constraint: 'audit_logs_id_key' })
    for (const argument of [`'{}'`, 'NULL', 'ARRAY[NULL]']) {
      await expect(database.pool.query(`SELECT FROM audit_append(${argument}::text[])`)).rejects.toMatchObject({ code: '22004' })
    }
    expect(await log.verify(database.pool)).toMatchObject({ ok: true, checked: 4 })
  })
})

describe('the writer role', () => {
  const login = `audit_app_${crypto.randomUUID().slice(0, 8)}`
  let url: string

  beforeAll(async () => {
    await database.pool.query(`CREATE ROLE ${login} LOGIN PASSWORD 'app' IN ROLE cidadao_audit_writer`)
    url = asUser(login)
  })

  afterAll(async () => {
    await database.pool.query(`DROP ROLE ${login}`)
  })

  it('may open, append, read, verify and erase openings', async () => {
    await withClient(async (client) => {
      await client.query('BEGIN')
      expect(await log.open(client)).toMatchObject({ outcome: 'found' })
      await log.append(client, [{ ...ENTRY, personal: { cpf: '1' } }])
      expect(await log.verify(client)).toMatchObject({ ok: true, checked: 5 })
      expect((await client.query('DELETE FROM audit_private')).rowCount).toBe(1)
      await client.query('ROLLBACK')
    }, url)
  })

  it.each([
    ...CHANGES,
    `INSERT INTO audit_logs (seq, payload, leaf_hash, prev_hash, hash_chain) VALUES (9, '{}', '', '', '')`,
    `ALTER TABLE audit_logs DISABLE TRIGGER ALL`,
    `DROP TRIGGER audit_logs_append_only ON audit_logs`,
    `SET session_replication_role = replica`,
    `CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
    `SET ROLE cidadao_audit_owner`,
  ])('may not: %s', async (sql) => {
    await withClient(async (client) => {
      await expect(client.query(sql)).rejects.toMatchObject(REFUSED)
    }, url)
  })

  it('cannot lead the appending function to tables of its own', async () => {
    await withClient(async (client) => {
      await client.query('BEGIN; CREATE TEMP TABLE audit_head AS SELECT * FROM public.audit_head')
      await client.query(
        'CREATE TEMP TABLE audit_logs AS SELECT * FROM public.audit_logs WITH NO DATA; SET LOCAL search_path = pg_temp, public',
      )
      const [receipt] = await log.append(client, [ENTRY])
      const { rows } = await client.query(
        'SELECT (SELECT count(*) FROM pg_temp.audit_logs) AS own, (SELECT max(seq) FROM public.audit_logs) AS real',
      )
      expect(rows).toEqual([{ own: '0', real: String(receipt?.seq) }])
      await client.query('ROLLBACK')
    }, url)
  })
})

function asUser(user: string, name?: string): string {
  const address = new URL(database.url)
  address.username = user
  address.password = 'app'
  if (name !== undefined) address.pathname = `/${name}`
  return address.href
}

describe('the migration, run by a user that is no superuser', () => {
  const users: readonly (readonly [what: string, owner: 'cidadao_audit_owner' | 'the migrating user'])[] = [
    ['may hand tables over', 'cidadao_audit_owner'],
    ['may not', 'the migrating user'],
  ]

  /** What PostgreSQL gives to whoever made the roles. The server has them already, so nobody can make them in a test. */
  async function grantAsToMaker(user: string): Promise<void> {
    const { rows } = await database.pool.query<{ version: number }>(`SELECT current_setting('server_version_num')::int AS version`)
    const terms = (rows[0]?.version ?? 0) >= 160_000 ? 'ADMIN TRUE, INHERIT FALSE, SET FALSE' : 'ADMIN OPTION'
    await database.pool.query(`GRANT cidadao_audit_owner, cidadao_audit_writer TO ${user} WITH ${terms}`)
  }

  it.each(users)('that %s', async (_what, owner) => {
    const user = `audit_mig_${crypto.randomUUID().slice(0, 8)}`
    await database.pool.query(`CREATE ROLE ${user} LOGIN PASSWORD 'app'`)
    await database.pool.query(`CREATE DATABASE ${user} OWNER ${user}`)
    try {
      if (owner === 'cidadao_audit_owner') await grantAsToMaker(user)
      await withClient(
        async (client) => {
          for (const script of migrationScripts()) await client.query(script)
          const { rows } = await client.query(`SELECT tableowner FROM pg_tables WHERE tablename IN ('audit_logs', 'audit_head')`)
          const tableowner = owner === 'cidadao_audit_owner' ? owner : user
          expect(rows).toEqual([{ tableowner }, { tableowner }])
          await log.open(client)
          await log.append(client, [ENTRY, ENTRY, { ...ENTRY, personal: { cpf: '1' } }])
          expect(await log.verify(client)).toMatchObject({ ok: true, checked: 4 })
          for (const sql of CHANGES) await expect(client.query(sql), sql).rejects.toMatchObject(REFUSED)
          // Without an owner of its own, the log's triggers can be taken away by whoever migrates: documented.
          const disabling = client.query('ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only')
          if (owner === 'cidadao_audit_owner') await expect(disabling).rejects.toMatchObject(REFUSED)
          else await expect(disabling).resolves.toMatchObject({ command: 'ALTER' })
        },
        asUser(user, user),
      )
    } finally {
      await database.pool.query(`DROP DATABASE ${user} WITH (FORCE)`)
      await database.pool.query(`DROP OWNED BY ${user}`)
      await database.pool.query(`DROP ROLE ${user}`)
    }
  })
})
