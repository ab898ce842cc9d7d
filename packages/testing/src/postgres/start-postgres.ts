import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { delay, systemClock } from '@cidadao/contracts'
import {
  findFreePort,
  identifyProcess,
  isAlive,
  PostgresBinariesMissingError,
  PostgresPortInUseError,
  PostgresServer,
  Reaper,
  signalProcess,
  type ProcessIdentity,
} from '@cidadao/postgres-server'
import { resolveServiceMode, testEnvironment, type ServiceKind } from '../services/service-choice.ts'
import { childrenOf } from './process-family.ts'
import { toDatabaseUrl, withClient } from './sql-client.ts'

export interface StartPostgresOptions {
  /** PostgreSQL settings, as `{ max_connections: '10' }`. @default {} */
  readonly settings?: Readonly<Record<string, string>>
}

/** One PostgreSQL of a test's own, to be broken at will. */
export interface PostgresFixture {
  readonly kind: Exclude<ServiceKind, 'url'>
  readonly port: number
  /** A superuser's address; the same over restarts. @default the database `postgres` */
  url(database?: string): string
  /** Ends all client connections from the server's side, as an administrator does; says how many. */
  terminateBackends(): Promise<number>
  /** SIGKILL to all of its processes; resolves when they are gone. What was committed is there after `restart`, as long as the machine lives. */
  kill(): Promise<void>
  /** SIGSTOP to all of its processes: connections stay open and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** The same port and data again; a server that still runs is stopped first. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const PORT_ATTEMPTS = 5
const POLL_MS = 5

/**
 * Starts a PostgreSQL server to be broken: native programs, whose signals are exact and fast, else (or with
 * `TEST_SERVICES=docker`) a container.
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<PostgresFixture> {
  const mode = resolveServiceMode(testEnvironment)
  if (mode === 'docker') return startContainer(options)
  try {
    return await startNative(options)
  } catch (error) {
    if (mode === 'native' || !(error instanceof PostgresBinariesMissingError)) throw error
    return startContainer(options)
  }
}

async function startContainer(options: StartPostgresOptions): Promise<PostgresFixture> {
  const { startPostgresInContainer } = await import('./postgres-container.ts')
  return startPostgresInContainer(options)
}

async function startNative({ settings = {} }: StartPostgresOptions): Promise<PostgresFixture> {
  const dataDir = await mkdtemp(join(tmpdir(), 'cidadao-postgres-'))
  const folderReaper = new Reaper()
  folderReaper.watchFolder(dataDir)
  try {
    const server = await startedServer(dataDir, settings)
    return nativeFixture(server, folderReaper)
  } catch (error) {
    await folderReaper.reap()
    throw error
  }
}

/** The port is chosen here and kept, so that a restarted server is where its clients look for it. */
async function startedServer(dataDir: string, settings: Readonly<Record<string, string>>): Promise<PostgresServer> {
  for (let attempt = 1; ; attempt += 1) {
    const server = new PostgresServer({ mode: 'throwaway', dataDir, port: await findFreePort(), settings })
    try {
      await server.start()
      return server
    } catch (error) {
      if (!(error instanceof PostgresPortInUseError) || attempt === PORT_ATTEMPTS) throw error
    }
  }
}

function nativeFixture(server: PostgresServer, folderReaper: Reaper): PostgresFixture {
  const url = server.connectionUrl()
  let stopped = false
  const family = (): Promise<ProcessIdentity[]> => familyOf(server.pid)
  const resume = async (): Promise<void> => signalAll(await family(), 'SIGCONT')
  return {
    kind: 'native',
    port: server.port,
    url: (database) => (database === undefined ? url : toDatabaseUrl(url, database)),
    terminateBackends: () => terminateBackends(url),
    kill: async () => {
      const members = await family()
      signalAll(members, 'SIGKILL')
      while (members.some(isAlive)) await delay(systemClock, POLL_MS)
    },
    pause: async () => {
      const members = await family()
      // A stopped backend does not notice that its postmaster is gone: if this run is killed now, each must be told.
      for (const { pid } of members) folderReaper.watchProcess(pid, 'KILL')
      signalAll(members, 'SIGSTOP')
    },
    resume,
    restart: async () => {
      await resume()
      await server.stop()
      await server.start()
    },
    stop: async () => {
      if (stopped) return
      stopped = true
      await resume()
      await server.stop()
      await folderReaper.reap()
    },
  }
}

/** The postmaster first, so that it neither starts nor mends anything while the others are signalled. */
async function familyOf(postmasterPid: number): Promise<ProcessIdentity[]> {
  const postmaster = identifyProcess(postmasterPid)
  return postmaster === undefined ? [] : [postmaster, ...(await childrenOf(postmasterPid))]
}

function signalAll(members: readonly ProcessIdentity[], signal: NodeJS.Signals): void {
  for (const member of members) signalProcess(member, signal)
}

/** Ends all client connections but its own; says how many. */
export async function terminateBackends(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    )
    return rows.length
  })
}
