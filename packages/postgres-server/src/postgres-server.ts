import type { ChildProcess } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineService, delay, systemClock, TypedEvents, type EventListener, type EventSource, type Service } from '@cidadao/contracts'
import { initCluster } from './postmaster/cluster-init.ts'
import { clusterMajor, openDataFolder, type DataFolder } from './folder/data-folder.ts'
import { PostgresNotRunningError, PostgresStartError, PostgresVersionMismatchError } from './errors.ts'
import type { PostgresServerEvents, ServerOrigin } from './events.ts'
import { withFileLock } from './folder/file-lock.ts'
import { joinUsers, leaveUsers } from './folder/folder-users.ts'
import { settlePassword } from './folder/password.ts'
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import { resolvePostgresServerOptions, type PostgresServerOptions, type ResolvedServerOptions } from './postgres-server-options.ts'
import { findPostmaster, removeMisleadingFile, type Postmaster } from './postmaster/postmaster-file.ts'
import { launchPatiently } from './postmaster/launch-patiently.ts'
import type { LaunchedServer } from './postmaster/postmaster-launch.ts'
import { stopPostmaster } from './postmaster/postmaster-stop.ts'
import { Reaper } from './process/reaper.ts'
import { reachableBinaries } from './reachable-binaries.ts'

const DURABLE_SETTINGS = { TimeZone: 'UTC', log_timezone: 'UTC' }
/**
 * What a crash of the machine may lose here is thrown away in any case. A commit is still written before it is
 * confirmed, so that one survives when the server is killed, which tests do.
 */
const THROWAWAY_SETTINGS = {
  ...DURABLE_SETTINGS,
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
}

interface RunningServer {
  readonly folder: DataFolder
  readonly postmaster: Postmaster
  readonly password: string
  readonly userFile: string
  readonly origin: ServerOrigin
  readonly version: string
}

/**
 * One PostgreSQL server on the loopback address.
 *
 * - *durable*: processes that name the same data folder share one server: the first starts it, the others attach, the
 *   last one to stop ends it. Killed (`kill -9`), a process leaves the server running for the next to attach to; a
 *   server that was killed itself recovers from its log at the next start.
 * - *throwaway*: a temporary folder, no fsync; server and folder are gone with this process, however it ends.
 */
export class PostgresServer implements Service, EventSource<PostgresServerEvents> {
  readonly name = 'postgres-server'
  readonly #options: ResolvedServerOptions
  readonly #lifecycle: Service
  readonly #events = new TypedEvents<PostgresServerEvents>()
  #running: RunningServer | undefined
  #reaper: Reaper | undefined

  /** @throws PostgresServerOptionsError */
  constructor(options: PostgresServerOptions) {
    this.#options = resolvePostgresServerOptions(options)
    this.#lifecycle = defineService({ name: this.name, start: (signal) => this.#start(signal), stop: () => this.#stop() })
  }

  /** Ready for connections when it resolves. Throws the errors of this package; then nothing is left running. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  on<Name extends keyof PostgresServerEvents>(name: Name, listener: EventListener<PostgresServerEvents[Name]>): () => void {
    return this.#events.on(name, listener)
  }

  /** @throws PostgresNotRunningError before `start` and after `stop`, as do the members below */
  get port(): number {
    return this.#require().postmaster.port
  }

  /** Whether this process started the server or found it alive. */
  get origin(): ServerOrigin {
    return this.#require().origin
  }

  /** The postmaster's process id. */
  get pid(): number {
    return this.#require().postmaster.process.pid
  }

  /** Full version of the programs, as `18.4`. */
  get version(): string {
    return this.#require().version
  }

  /** The folder that holds the data, the log and the password. */
  get dataDir(): string {
    return this.#require().folder.root
  }

  /** Address of a database of this server, with the superuser's name and password in it: never log it. */
  connectionUrl(database = 'postgres'): string {
    const { password, postmaster } = this.#require()
    return `postgresql://postgres:${encodeURIComponent(password)}@127.0.0.1:${String(postmaster.port)}/${encodeURIComponent(database)}`
  }

  #require(): RunningServer {
    if (this.#running === undefined) throw new PostgresNotRunningError('the PostgreSQL server is not running: call start() first')
    return this.#running
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const startedMs = systemClock.monotonicMs()
    const found = this.#options.binaries ?? (await findPostgresBinaries())
    try {
      const folder = await openDataFolder(await this.#folderPath())
      const binaries = await reachableBinaries(found, folder.account)
      const lock = { waitMs: this.#options.startTimeoutMs, signal }
      this.#running = await withFileLock(folder.lockFile, lock, () => this.#bringUp(folder, binaries, signal))
    } catch (error) {
      await this.#reaper?.reap()
      throw error
    }
    const durationMs = systemClock.monotonicMs() - startedMs
    this.#options.logger.info('PostgreSQL is ready', { origin: this.origin, port: this.port, version: this.version, durationMs })
    this.#events.emit('ready', { origin: this.origin, port: this.port, durationMs })
  }

  async #folderPath(): Promise<string> {
    const { storage } = this.#options
    if (storage.mode === 'durable') return storage.dataDir
    this.#reaper = new Reaper()
    if (storage.dataDir !== undefined) return storage.dataDir
    const folder = await mkdtemp(join(tmpdir(), 'cidadao-postgres-'))
    this.#reaper.watchFolder(folder)
    return folder
  }

  async #bringUp(folder: DataFolder, binaries: PostgresBinaries, signal: AbortSignal | undefined): Promise<RunningServer> {
    const password = await settlePassword(folder.passwordFile, this.#options.password)
    const common = { folder, password, version: binaries.version }
    const live = await this.#settledPostmaster(folder, signal)
    const userFile = await joinUsers(folder.usersDir)
    if (live !== undefined) return { ...common, postmaster: live, origin: 'attached', userFile }
    try {
      await this.#prepareCluster(folder, binaries, { password, signal })
      const { postmaster, child } = await this.#launch(folder, binaries, signal)
      this.#watchForCrash(child)
      return { ...common, postmaster, origin: 'started', userFile }
    } catch (error) {
      await leaveUsers(folder.usersDir, userFile)
      throw error
    }
  }

  /** The live server, once it is ready; one that is just stopping is waited for and then counts as none. */
  async #settledPostmaster(folder: DataFolder, signal: AbortSignal | undefined): Promise<Postmaster | undefined> {
    const deadlineMs = systemClock.monotonicMs() + this.#options.startTimeoutMs
    let live = await findPostmaster(folder.clusterDir)
    while (live !== undefined && live.state !== 'ready') {
      if (systemClock.monotonicMs() > deadlineMs) throw stuck(live, this.#options.startTimeoutMs)
      await pause(signal)
      live = await findPostmaster(folder.clusterDir)
    }
    return live
  }

  async #prepareCluster(
    folder: DataFolder,
    binaries: PostgresBinaries,
    context: { readonly password: string; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const major = await clusterMajor(folder)
    if (major === undefined) {
      const sync = this.#options.storage.mode === 'durable' ? 'disk' : 'none'
      return initCluster(folder, { binaries, sync, ...context, onStarted: (pid) => this.#reaper?.watchProcess(pid, 'KILL') })
    }
    if (major !== binaries.major) throw otherMajor(folder, major, binaries)
    await removeMisleadingFile(folder.clusterDir)
  }

  #launch(folder: DataFolder, binaries: PostgresBinaries, signal: AbortSignal | undefined): Promise<LaunchedServer> {
    const base = this.#options.storage.mode === 'durable' ? DURABLE_SETTINGS : THROWAWAY_SETTINGS
    return launchPatiently(folder, {
      binaries,
      port: this.#options.port,
      settings: { ...base, ...this.#options.settings },
      timeoutMs: this.#options.startTimeoutMs,
      signal,
      onStarted: (pid) => this.#reaper?.watchProcess(pid, 'QUIT'),
    })
  }

  #watchForCrash(child: ChildProcess): void {
    child.once('exit', (exitCode, signal) => {
      if (this.#running?.postmaster.process.pid !== child.pid) return
      this.#options.logger.error('PostgreSQL ended by itself', { exitCode, signal })
      this.#events.emit('crashed', { exitCode, signal })
    })
  }

  async #stop(): Promise<void> {
    const startedMs = systemClock.monotonicMs()
    const running = this.#require()
    this.#running = undefined
    const outcome = await this.#release(running)
    await this.#reaper?.reap()
    const durationMs = systemClock.monotonicMs() - startedMs
    this.#options.logger.info('PostgreSQL was released', { outcome, durationMs })
    this.#events.emit('released', { outcome, durationMs })
  }

  async #release(running: RunningServer): Promise<'stopped' | 'left-running'> {
    const { folder, postmaster } = running
    return withFileLock(folder.lockFile, { waitMs: this.#options.stopTimeoutMs + this.#options.startTimeoutMs }, async () => {
      const otherUsers = await leaveUsers(folder.usersDir, running.userFile)
      if (otherUsers > 0) return 'left-running'
      const how = await stopPostmaster(postmaster.process, this.#options.stopTimeoutMs)
      if (how === 'immediate') this.#options.logger.warn('PostgreSQL did not stop in time and will recover at its next start')
      return 'stopped'
    })
  }
}

function pause(signal: AbortSignal | undefined): Promise<void> {
  return delay(systemClock, 20, signal)
}

function stuck(live: Postmaster, timeoutMs: number): PostgresStartError {
  return new PostgresStartError(
    `the PostgreSQL of this folder (process ${String(live.process.pid)}) has been ${live.state} for ${String(timeoutMs)} ms`,
    {
      facts: { pid: live.process.pid, state: live.state },
    },
  )
}

function otherMajor(folder: DataFolder, major: number, binaries: PostgresBinaries): PostgresVersionMismatchError {
  return new PostgresVersionMismatchError(
    `${folder.root} was written by PostgreSQL ${String(major)}, and the programs are ${binaries.version}: ` +
      `dump it with the programs of version ${String(major)} and restore into a new folder, or choose a new folder`,
    { facts: { dataDir: folder.root, dataMajor: major, programMajor: binaries.major } },
  )
}
