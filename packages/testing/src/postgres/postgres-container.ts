import { randomBytes } from 'node:crypto'
import { findFreePort } from '@cidadao/postgres-server'
import { GenericContainer, Wait, type ContainerRuntimeClient, type StartedTestContainer } from 'testcontainers'
import { eventually } from '../eventually.ts'
import { isPortTaken, requireContainerEngine } from '../services/container-engine.ts'
import { watchContainers } from '../services/container-reaper.ts'
import { toDatabaseUrl, withClient } from './sql-client.ts'
import { terminateBackends, type PostgresFixture, type StartPostgresOptions } from './start-postgres.ts'

export const POSTGRES_IMAGE = 'postgres:18'
const START_TIMEOUT_MS = 120_000
const RESTART_DEADLINE_MS = 30_000
const PORT_ATTEMPTS = 5

/** As a native throwaway server has them. */
const SETTINGS = {
  TimeZone: 'UTC',
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
}

/**
 * PostgreSQL in a container, on a port of this machine that it keeps over restarts.
 *
 * Not by `@testcontainers/postgresql`: that waits for the engine's health checks, which an engine without systemd
 * (podman in CI, say) never runs.
 *
 * @throws ContainerEngineMissingError
 */
export async function startPostgresInContainer({ settings = {} }: StartPostgresOptions = {}): Promise<PostgresFixture> {
  const engine = await requireContainerEngine()
  const password = randomBytes(12).toString('hex')
  const command = ['postgres', ...Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const watched = watchContainers()
  const started = await startOnFreePort((hostPort) =>
    new GenericContainer(POSTGRES_IMAGE)
      .withEnvironment({ POSTGRES_PASSWORD: password })
      .withLabels(watched.labels)
      .withCommand(command)
      .withExposedPorts({ container: 5432, host: hostPort })
      .withWaitStrategy(Wait.forListeningPorts())
      .withStartupTimeout(START_TIMEOUT_MS)
      .start(),
  ).catch((thrown: unknown) => {
    watched.sweep()
    throw thrown
  })
  const container = engine.container.getById(started.getId())
  const port = started.getMappedPort(5432)
  const host = started.getHost() === 'localhost' ? '127.0.0.1' : started.getHost()
  const url = `postgresql://postgres:${password}@${host}:${String(port)}/postgres`
  const ready = (): Promise<unknown> =>
    eventually(() => withClient(url, (client) => client.query('select 1')), { deadlineMs: RESTART_DEADLINE_MS })
  await ready()
  let stopping: Promise<unknown> | undefined
  return {
    kind: 'container',
    port,
    url: (database) => (database === undefined ? url : toDatabaseUrl(url, database)),
    terminateBackends: () => terminateBackends(url),
    kill: () => container.kill(),
    pause: () => container.pause(),
    resume: () => container.unpause(),
    restart: async () => {
      await unpauseIfPaused(container)
      if ((await container.inspect()).State.Running) await container.stop()
      await container.start()
      await ready()
    },
    stop: async () => {
      await (stopping ??= unpauseIfPaused(container).then(() => started.stop()))
      watched.release()
    },
  }
}

/** A port of the engine's choice would be another one after a restart. */
async function startOnFreePort(start: (hostPort: number) => Promise<StartedTestContainer>): Promise<StartedTestContainer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await findFreePort())
    } catch (thrown) {
      if (attempt === PORT_ATTEMPTS || !isPortTaken(thrown)) throw thrown
    }
  }
}

/** A paused container can be neither stopped nor removed. */
async function unpauseIfPaused(container: ReturnType<ContainerRuntimeClient['container']['getById']>): Promise<void> {
  if ((await container.inspect()).State.Paused) await container.unpause()
}
