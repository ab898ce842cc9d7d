import type { TestProject } from 'vitest/node'
import { postgresWays } from './postgres/postgres-ways.ts'
import { runSetup } from './services/run-setup.ts'

/** Vitest global set-up: one PostgreSQL server for the package's run. Read it by `testPostgres()` or `createTestDatabase()`. */
export function setup(project: TestProject): Promise<() => Promise<void>> {
  return runSetup(project, 'cidadaoPostgres', postgresWays)
}
