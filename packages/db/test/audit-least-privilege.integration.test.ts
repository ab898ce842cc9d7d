import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAuditBatcher, createAuditWatch, createDatabase, type Database } from '../src/index.ts'
import { AUDIT_ORIGIN, createMigratedDatabase } from './fixtures/database-fixture.ts'
import { memoryAnchor } from './fixtures/checkpointed-log.ts'
import { createCheckpointer } from '../src/audit/checkpoints/checkpointer.ts'
import { createNoteSigner } from '../src/audit/transparency/note-key.ts'

const REFUSED = { code: 'DB_PERMISSION_DENIED' }
const signer = createNoteSigner(AUDIT_ORIGIN, Buffer.alloc(32, 77))
/** What the application needs beside the log: its own tables, and nothing that is not its own. */
const GRANTS = (login: string): readonly string[] => [
  `GRANT SELECT, INSERT, UPDATE, DELETE ON investigations, investigation_plans, investigation_steps, investigation_events TO ${login}`,
  `GRANT SELECT, INSERT, UPDATE, DELETE ON audit_tiles TO ${login}`,
  `GRANT SELECT ON _prisma_migrations TO ${login}`,
  `GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${login}`,
]

/** A database that an administrator migrated, opened by a login which is only a member of the log's writer role. */
async function openAsWriter(): Promise<{ readonly db: Database; readonly asOwner: pg.Pool }> {
  const { url, drop } = await createMigratedDatabase()
  const asOwner = new pg.Pool({ connectionString: url, max: 2 })
  asOwner.on('error', () => {})
  const login = `app_${crypto.randomUUID().slice(0, 8)}`
  await asOwner.query(`CREATE ROLE ${login} LOGIN PASSWORD 'app' IN ROLE cidadao_audit_writer`)
  for (const grant of GRANTS(login)) await asOwner.query(grant)
  const address = new URL(url)
  address.username = login
  address.password = 'app'
  const db = createDatabase({ url: address.href, auditOrigin: AUDIT_ORIGIN, migrations: 'require', pool: { size: 1, maxOverflow: 3 } })
  onTestFinished(async () => {
    await db.stop()
    await asOwner.query(`DROP OWNED BY ${login}`)
    await asOwner.query(`DROP ROLE ${login}`)
    await asOwner.end()
    await drop()
  })
  await db.start()
  return { db, asOwner }
}

describe('an application that is no owner (pitfall 16)', () => {
  it('saves, appends alone and in batches, signs, anchors and verifies as a member of the writer role', async () => {
    const { db } = await openAsWriter()
    const audit = { actor: { kind: 'system' }, action: 'investigation.created', investigation: 'inv_1' } as const
    await db.investigations.save({ id: 'inv_1', userId: 'ana', query: 'Analise os contratos' }, { audit })
    await db.transaction(async (tx) => tx.audit({ actor: { kind: 'system' }, action: 'app.did' }))
    const batcher = createAuditBatcher({ sql: db.sql, log: db.audit })
    await batcher.start()
    await Promise.all([1, 2, 3].map((n) => batcher.append({ actor: { kind: 'human', id: 'u_1' }, action: 'report.viewed', data: { n } })))
    await batcher.stop()
    const anchor = memoryAnchor()
    const checkpointer = createCheckpointer({ sql: db.sql, origin: AUDIT_ORIGIN, signers: [signer], anchors: [anchor] })
    expect(await checkpointer.runOnce()).toBe('signed')
    const watch = createAuditWatch({ sql: db.sql, log: db.audit, vkeys: [signer.vkey], anchors: [anchor] })
    expect(await watch.runOnce('full')).toMatchObject({ verdict: { ok: true, checked: 6, anchoredTo: 6 }, against: { size: 6 } })
  })

  it('may not change, cut, unguard or take over the log', async () => {
    const { db } = await openAsWriter()
    const attempts = [
      `UPDATE audit_logs SET payload = payload`,
      `DELETE FROM audit_logs`,
      `TRUNCATE audit_logs CASCADE`,
      `UPDATE audit_head SET seq = seq + 1`,
      `DELETE FROM audit_checkpoints`,
      `ALTER TABLE audit_logs DISABLE TRIGGER ALL`,
      `DROP TABLE audit_checkpoints CASCADE`,
      `CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
      `SET ROLE cidadao_audit_owner`,
      `SET session_replication_role = replica`,
    ]
    for (const sql of attempts) await expect(db.sql.query(sql), sql).rejects.toMatchObject(REFUSED)
  })
})

describe('an application that is the owner (pitfall 16)', () => {
  it('is stopped by the triggers, can drop them, and is found out by whoever holds an older checkpoint', async () => {
    const { db, asOwner } = await openAsWriter()
    await db.transaction(async (tx) => tx.audit({ actor: { kind: 'system' }, action: 'app.did' }))
    const anchor = memoryAnchor()
    await createCheckpointer({ sql: db.sql, origin: AUDIT_ORIGIN, signers: [signer], anchors: [anchor] }).runOnce()
    await expect(asOwner.query('DELETE FROM audit_logs WHERE seq = 2')).rejects.toMatchObject({ code: '42501' })
    await asOwner.query('ALTER TABLE audit_logs DISABLE TRIGGER ALL; ALTER TABLE audit_head DISABLE TRIGGER ALL')
    expect((await asOwner.query('DELETE FROM audit_logs WHERE seq = 2')).rowCount).toBe(1)
    const cut = 'UPDATE audit_head SET seq = 1, hash_chain = (SELECT hash_chain FROM audit_logs WHERE seq = 1)'
    expect((await asOwner.query(cut)).rowCount).toBe(1)
    // The database alone is content with it; the checkpoint outside of it is not.
    expect(await db.audit.verify(db.sql)).toMatchObject({ ok: true, checked: 1 })
    const watch = createAuditWatch({ sql: db.sql, log: db.audit, vkeys: [signer.vkey], anchors: [anchor] })
    expect(await watch.runOnce()).toMatchObject({ verdict: { ok: false, kind: 'short', firstBadSeq: 2 } })
  })
})
