import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSyntheticPortal } from '@cidadao/procurement'
import { expect, it, onTestFinished, vi } from 'vitest'
import { AUDIT_ORIGIN } from './support/audit-origin.ts'
import { durableUrl } from './support/durable-rig.ts'
import { openTestDatabase } from './support/test-database.ts'
import { buildHouse, startHouse } from './support/test-house.ts'

vi.setConfig({ testTimeout: 180_000 })

it('answers a question by the durable engine, on a database whose job queue was migrated', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cidadao-durable-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeSyntheticPortal(folder, { seed: 1, contracts: 300 })
  const { house } = await startHouse({
    DATABASE_URL: await durableUrl(),
    ORCHESTRATOR_ENGINE: 'pg-boss',
    CIDADAO_AUDIT_ORIGIN: AUDIT_ORIGIN,
  })
  const { id } = await house.orchestrator.submit({ query: 'Analyze Ministry of Health contracts 2024', source: folder })
  await house.engine.settled(id)
  expect(await house.orchestrator.get(id)).toMatchObject({ status: 'completed' })
  expect((await house.db.sql.query('SELECT id FROM pgboss.job')).rows).toEqual([])
})

it('refuses to start the durable engine where its job queue was not migrated', async () => {
  const { url } = await openTestDatabase()
  const { house } = await buildHouse({ DATABASE_URL: url, ORCHESTRATOR_ENGINE: 'pg-boss' })
  onTestFinished(() => house.stop())
  await expect(house.start()).rejects.toThrow()
})
