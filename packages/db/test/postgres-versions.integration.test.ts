import { PostgresServer } from '@cidadao/postgres-server'
import { findPostgresVersion, POSTGRES_MAJORS, requiredMajors, type PostgresMajor, type PostgresSearch } from '@cidadao/postgres-versions'
import { createTestDatabase } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, migrate, migrationStatus, type Database, type InvestigationDraft } from '../src/index.ts'
import { MIGRATIONS } from '../src/generated/migrations.ts'
import { AUDIT_ORIGIN, connectDirectly } from './fixtures/database-fixture.ts'
import { Delivered, startRelay } from './fixtures/outbox-fixture.ts'
import { prismaProject } from './fixtures/prisma-cli.ts'

const TIMEOUT_MS = 120_000
const AUDIT = { actor: { kind: 'system' }, action: 'investigation.created', investigation: 'inv_001' } as const

async function prepareTemplate(url: string): Promise<void> {
  await migrate({ url })
}

const required = requiredMajors(process.env)
// One after the other: the first that is missing brings all that are pinned.
const searches: (readonly [PostgresMajor, PostgresSearch])[] = []
for (const major of POSTGRES_MAJORS) searches.push([major, await findPostgresVersion(major, { environment: process.env })])

for (const [major, search] of searches) {
  const missing = search.outcome === 'missing'
  const why = missing ? ` (skipped: not to be had here: ${search.reasons.join('; ')})` : ''
  describe.skipIf(missing && !required.includes(major))(`PostgreSQL ${String(major)}${why}`, { timeout: TIMEOUT_MS }, () => {
    let server: PostgresServer
    let db: Database
    let url: string
    let drop: () => Promise<void>

    beforeAll(async () => {
      if (missing) throw new Error(`TEST_POSTGRES_MAJORS asks for ${String(major)}:\n${search.reasons.join('\n')}`)
      server = new PostgresServer({ mode: 'throwaway', binaries: search.binaries })
      await server.start()
      const base = server.connectionUrl()
      ;({ url, drop } = await createTestDatabase({
        server: { url: base, runId: `v${String(major)}` },
        template: { name: 'migrated', prepare: prepareTemplate },
      }))
      db = createDatabase({ url, auditOrigin: AUDIT_ORIGIN, pool: { size: 1, maxOverflow: 4 } })
      await db.start()
    }, TIMEOUT_MS)

    afterAll(async () => {
      await db.stop()
      await drop()
      await server.stop()
    })

    it('is the version that it is taken for', async () => {
      const { rows } = await db.sql.query<{ version: number }>("SELECT current_setting('server_version_num')::int / 10000 AS version")
      expect(rows).toEqual([{ version: major }])
    })

    it("takes all migrations, and Prisma's command line agrees with the result", async () => {
      expect(await migrationStatus({ url })).toEqual({ applied: MIGRATIONS.map(({ name }) => name), pending: [] })
      const prisma = await prismaProject()
      expect(await prisma.run(url, ['migrate', 'status'])).toMatchObject({ code: 0 })
      const diff = await prisma.run(url, [
        'migrate',
        'diff',
        '--exit-code',
        '--script',
        '--from-config-datasource',
        '--to-schema',
        prisma.schemaFile,
      ])
      expect(diff, diff.output).toMatchObject({ code: 0 })
    })

    it('keeps investigations: saved, found, saved by the hundred, refused when stale', async () => {
      const { investigations } = db
      const asked = await investigations.save({ id: 'inv_001', userId: 'ana', query: 'Licitação nº 5, São Paulo' })
      const begun = await investigations.save({ ...asked, status: 'processing' })
      expect(begun.version).toBe(2)
      await expect(investigations.save({ ...asked, status: 'processing' })).rejects.toMatchObject({ code: 'DB_VERSION_CONFLICT' })
      expect(await investigations.get('inv_001', { owner: 'ana' })).toEqual(begun)
      const drafts = Array.from({ length: 200 }, (_, index): InvestigationDraft => ({
        id: `many_${String(index)}`,
        userId: 'bia',
        query: 'q',
      }))
      expect((await investigations.saveMany(drafts)).counts).toEqual({ saved: 200, refused: 0, failed: 0 })
      const page = await investigations.find({ owner: 'bia', limit: 50 })
      expect(page.items).toHaveLength(50)
      expect(page.next).not.toBeNull()
    })

    it('keeps the audit log: appended with the change, verified, and closed to whoever would rewrite it', async () => {
      const before = await db.audit.verify(db.sql)
      await db.investigations.save({ id: 'inv_audit', query: 'q' }, { audit: AUDIT })
      const after = await db.audit.verify(db.sql)
      expect(after).toMatchObject({ ok: true })
      expect(after.checked).toBe(before.checked + 1)
      const intruder = await connectDirectly(url)
      for (const attack of ['UPDATE audit_logs SET payload = payload', 'DELETE FROM audit_logs', 'TRUNCATE audit_logs CASCADE']) {
        await expect(intruder.query(attack), attack).rejects.toMatchObject({ code: '42501' })
      }
    })

    it('delivers the outbox', async () => {
      const sink = new Delivered()
      const relay = await startRelay(db, { deliver: sink.deliver })
      onTestFinished(() => relay.stop())
      await db.invalidate({ namespace: 'n', keys: ['a'] }, { namespace: 'n', keys: ['b'] })
      await sink.expectOnce('a', 'b')
    })
  })
}
