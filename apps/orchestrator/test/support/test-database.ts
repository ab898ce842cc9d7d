import { createTestDatabase, type TestDatabase } from '@cidadao/testing'
import { createDatabase, migrate, type Database } from '@cidadao/db'
import { afterAll, onTestFinished } from 'vitest'

export const AUDIT_ORIGIN = 'audit.cidadao.test/orchestrator'

async function prepare(url: string): Promise<void> {
  await migrate({ url })
}

function createMigrated(): Promise<TestDatabase> {
  return createTestDatabase({ template: { name: 'orchestrator', prepare } })
}

/** A migrated database of the test's own, dropped when the test ends. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const database = await createMigrated()
  onTestFinished(() => database.drop())
  return database
}

let shared: Promise<TestDatabase> | undefined

afterAll(async () => {
  await (await shared)?.drop()
})

/** The one migrated database of a test file, for tests that only look at what they made themselves. */
export async function sharedUrl(): Promise<string> {
  shared ??= createMigrated()
  return (await shared).url
}

/** Connected to `url`, with retries that are quick. */
export async function connectTo(url: string): Promise<Database> {
  const db = createDatabase({
    url,
    auditOrigin: AUDIT_ORIGIN,
    migrations: 'require',
    pool: { size: 3, maxOverflow: 5 },
    resilience: { initialDelayMs: 5, maxDelayMs: 50 },
  })
  onTestFinished(() => db.stop())
  await db.start()
  return db
}
