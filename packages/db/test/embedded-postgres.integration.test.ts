import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, createEmbeddedPostgres } from '../src/index.ts'
import { AUDIT_ORIGIN, rejectionOf } from './fixtures/database-fixture.ts'

describe('the embedded server', () => {
  it('starts on an empty folder, makes the database, and keeps its data over a restart', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'cidadao-db-'))
    const server = createEmbeddedPostgres({ dataDir, settings: { fsync: 'off' } })
    const db = createDatabase({ url: () => server.url, auditOrigin: AUDIT_ORIGIN })
    onTestFinished(async () => {
      await db.stop()
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    })
    expect(() => server.url).toThrow(expect.objectContaining({ code: 'POSTGRES_SERVER_NOT_RUNNING' }))
    await server.start()
    await db.start()
    const saved = await db.investigations.save({ query: 'Analise os contratos do Ministério da Saúde em 2024' })
    await db.stop()
    await server.stop()
    await server.start()
    expect(new URL(server.url)).toMatchObject({ hostname: '127.0.0.1', pathname: '/cidadao_ai' })
    await db.start()
    expect(await db.investigations.get(saved.id)).toEqual(saved)
    expect(await db.audit.verify(db.sql)).toMatchObject({ ok: true })
  }, 60_000)

  it('refuses a database name that would need quoting', async () => {
    expect(await rejectionOf(Promise.resolve().then(() => createEmbeddedPostgres({ dataDir: 'x', database: 'a"b' })))).toMatchObject({
      code: 'DB_INVALID_OPTIONS',
    })
  })
})
