import { PostgreSqlContainer } from '@testcontainers/postgresql'
import { requireContainerEngine } from '../services/container-engine.ts'

export interface PostgresContainer {
  readonly url: string
  stop(): Promise<void>
}

const IMAGE = 'postgres:18-alpine'
/** What a crash of the machine may lose here is thrown away in any case. */
const COMMAND = ['postgres', '-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off', '-c', 'max_connections=200']

/** PostgreSQL in a container. @throws ContainerEngineMissingError */
export async function runPostgresContainer(): Promise<PostgresContainer> {
  await requireContainerEngine()
  const container = await new PostgreSqlContainer(IMAGE).withCommand([...COMMAND, '-c', 'TimeZone=UTC']).start()
  return { url: container.getConnectionUri(), stop: async () => void (await container.stop()) }
}
