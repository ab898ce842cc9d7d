import { eventually, startPostgres, type PostgresFixture } from '@cidadao/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, migrationStatus, type Database } from '../src/index.ts'
import { AUDIT_ORIGIN, connectDirectly, rejectionOf } from './fixtures/database-fixture.ts'
import { Delivered, invalidate, startRelay } from './fixtures/outbox-fixture.ts'
import { startReplica, type StreamingReplica } from './fixtures/streaming-replica.ts'

const inContainers = process.env.TEST_SERVICES === 'docker'

describe.skipIf(inContainers)('a streaming replica [skipped with TEST_SERVICES=docker: its files are copied]', () => {
  let server: PostgresFixture
  let primary: Database
  let replica: StreamingReplica
  const started: { stop(): Promise<void> }[] = []

  beforeAll(async () => {
    started.push((server = await startPostgres()))
    started.push((primary = build(server.url())))
    await primary.start()
    started.push((replica = await startReplica(server.url())))
  }, 60_000)
  afterAll(async () => {
    for (const service of started.toReversed()) await service.stop()
  })

  function build(url: string, migrations: 'apply' | 'require' = 'apply'): Database {
    return createDatabase({ url, auditOrigin: AUDIT_ORIGIN, migrations, pool: { size: 1, maxOverflow: 2 }, resilience: { attempts: 0 } })
  }

  it('is refused at start, and says what it is', async () => {
    const db = build(replica.url())
    onTestFinished(() => db.stop())
    expect(await rejectionOf(db.start())).toMatchObject({ code: 'DB_NOT_PRIMARY', transient: false })
  })

  it('is refused as well where migrations are only checked, and holds what the primary has', async () => {
    const saved = await primary.investigations.save({ id: 'inv_streamed', query: 'q' })
    const client = await connectDirectly(replica.url())
    await eventually(
      async () =>
        expect((await client.query('SELECT version::integer FROM investigations WHERE id = $1', [saved.id])).rows).toEqual([
          { version: 1 },
        ]),
      { deadlineMs: 15_000 },
    )
    expect((await migrationStatus({ url: replica.url() })).pending).toEqual([])
    const db = build(replica.url(), 'require')
    onTestFinished(() => db.stop())
    expect(await rejectionOf(db.start())).toMatchObject({ code: 'DB_NOT_PRIMARY' })
  })

  it('is taken once it has been promoted, with all that it had received, and its outbox goes on where it was', async () => {
    const client = await connectDirectly(replica.url())
    await primary.invalidate({ namespace: 'n', keys: ['before'] })
    await eventually(async () => expect((await client.query("SELECT 1 FROM cache_outbox WHERE 'before' = ANY (names)")).rowCount).toBe(1), {
      deadlineMs: 15_000,
    })
    await client.query('SELECT pg_promote(true, 30)')
    const db = build(replica.url())
    onTestFinished(() => db.stop())
    await db.start()
    expect(await db.ping()).toMatchObject({ role: 'primary' })
    expect(await db.investigations.get('inv_streamed')).toMatchObject({ version: 1 })
    expect(await db.audit.verify(db.sql)).toMatchObject({ ok: true })
    const sink = new Delivered()
    await startRelay(db, sink)
    await invalidate(db, 'after')
    await sink.expectOnce('before', 'after')
  })
})
