import { randomBytes } from 'node:crypto'
import { toError } from '@cidadao/contracts'
import { PostgresServer } from '@cidadao/postgres-server'
import { TestServiceUnreachableError } from '../errors.ts'
import type { ProvidedService, ServiceWays } from '../services/provide-service.ts'
import type { TestPostgres } from '../services/provided-context.ts'
import { readVariable, type TestEnvironment } from '../services/service-choice.ts'
import { withClient } from './sql-client.ts'
import { dropRunDatabases } from './test-database.ts'

/** The ways to the PostgreSQL of a test run. */
export function postgresWays(environment: TestEnvironment): ServiceWays<TestPostgres> {
  const runId = randomBytes(4).toString('hex')
  const url = readVariable(environment, 'TEST_DATABASE_URL')
  return {
    name: 'PostgreSQL',
    url: url === undefined ? undefined : () => givenPostgres(url, runId),
    container: () => containerPostgres(runId),
    native: () => nativePostgres(runId),
  }
}

async function givenPostgres(url: string, runId: string): Promise<ProvidedService<TestPostgres>> {
  await withClient(url, (client) => client.query('select 1')).catch((thrown: unknown) => {
    throw new TestServiceUnreachableError(`TEST_DATABASE_URL names a server that does not answer: ${toError(thrown).message}`, {
      cause: thrown,
    })
  })
  return { facts: { kind: 'url', url, runId }, stop: () => dropRunDatabases(url, runId) }
}

async function containerPostgres(runId: string): Promise<ProvidedService<TestPostgres>> {
  // Loaded only where it is used: it takes longer than a test.
  const { startPostgresInContainer } = await import('./postgres-container.ts')
  const container = await startPostgresInContainer()
  return { facts: { kind: 'container', url: container.url(), runId }, stop: () => container.stop() }
}

async function nativePostgres(runId: string): Promise<ProvidedService<TestPostgres>> {
  const server = new PostgresServer({ mode: 'throwaway' })
  await server.start()
  return { facts: { kind: 'native', url: server.connectionUrl(), runId }, stop: () => server.stop() }
}
