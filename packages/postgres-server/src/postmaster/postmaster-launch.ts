import { spawn, type ChildProcess } from 'node:child_process'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { delay, systemClock } from '@cidadao/contracts'
import type { DataFolder } from '../folder/data-folder.ts'
import { PostgresPortInUseError, PostgresStartError } from '../errors.ts'
import type { PostgresBinaries } from '../postgres-binaries.ts'
import { findPostmaster, type Postmaster } from './postmaster-file.ts'
import { hasErrno } from '../process/process-identity.ts'
import { COMMAND_ENVIRONMENT } from '../process/run-command.ts'

export interface LaunchOptions {
  readonly binaries: PostgresBinaries
  readonly port: number
  /** Settings as they go on the command line. */
  readonly settings: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Called with the id of the server before it is ready. */
  readonly onStarted?: (pid: number) => void
}

export interface LaunchedServer {
  readonly postmaster: Postmaster
  readonly child: ChildProcess
}

const POLL_MS = 10
const LOG_ROTATE_BYTES = 10 * 1024 * 1024

/**
 * Starts a server on this cluster and waits until it accepts connections, which it says in its own file: no driver
 * needed. It runs in a session of its own, so that Ctrl-C reaches us and not it.
 *
 * @throws PostgresPortInUseError, PostgresStartError; then nothing runs
 */
export async function launchPostmaster(folder: DataFolder, options: LaunchOptions): Promise<LaunchedServer> {
  const logStart = await prepareLog(folder.logFile)
  const child = await spawnPostmaster(folder, options)
  try {
    const postmaster = await untilReady(folder, child, options)
    return { postmaster, child }
  } catch (error) {
    await endUnready(child)
    if (error instanceof ExitedEarly) throw await explainExit(folder.logFile, logStart, options.port)
    throw error
  }
}

class ExitedEarly extends Error {}

async function prepareLog(logFile: string): Promise<number> {
  const size = await stat(logFile).then(
    (stats) => stats.size,
    (error: unknown) => {
      if (hasErrno(error, 'ENOENT')) return 0
      throw error
    },
  )
  if (size < LOG_ROTATE_BYTES) return size
  await rename(logFile, `${logFile}.1`)
  return 0
}

async function spawnPostmaster(folder: DataFolder, options: LaunchOptions): Promise<ChildProcess> {
  const settings = Object.entries({
    ...options.settings,
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
  })
  const args = ['-D', folder.clusterDir, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  // Opened by us: the server's account need not be able to write beside its own folder.
  const log = await open(folder.logFile, 'a', 0o600)
  try {
    const child = spawn(options.binaries.postgres, args, {
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
      cwd: '/',
      env: { ...COMMAND_ENVIRONMENT },
      ...(folder.account.ids ?? {}),
    })
    await started(child)
    child.unref()
    if (child.pid !== undefined) options.onStarted?.(child.pid)
    return child
  } finally {
    await log.close()
  }
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(new PostgresStartError(`the server program cannot be run: ${error.message}`, { cause: error })))
  })
}

async function untilReady(folder: DataFolder, child: ChildProcess, options: LaunchOptions): Promise<Postmaster> {
  const deadlineMs = systemClock.monotonicMs() + options.timeoutMs
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new ExitedEarly()
    const postmaster = await findPostmaster(folder.clusterDir)
    if (postmaster?.state === 'ready' && postmaster.process.pid === child.pid) return postmaster
    if (systemClock.monotonicMs() > deadlineMs) throw notReady(options.timeoutMs, await logTail(folder.logFile, 0))
    await delay(systemClock, POLL_MS, options.signal)
  }
}

function notReady(timeoutMs: number, tail: string): PostgresStartError {
  return new PostgresStartError(`PostgreSQL was not ready after ${String(timeoutMs)} ms: ${tail}`, { facts: { timeoutMs } })
}

/** Immediate shutdown: the server's own children go too, which they do not on SIGKILL. Data is safe, by its log. */
async function endUnready(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.ref()
  child.kill('SIGQUIT')
  await gone
}

async function explainExit(logFile: string, logStart: number, port: number): Promise<Error> {
  const tail = await logTail(logFile, logStart)
  if (/could not (bind|create any TCP\/IP sockets)|Address already in use/i.test(tail)) return portInUse(port)
  const failure = new PostgresStartError(`PostgreSQL ended while starting: ${tail}`, { facts: { port, logFile } })
  return tail.includes('pre-existing shared memory block') ? new OldBackendsError(failure) : failure
}

/** Backends of a server that was killed are still on their way out, and PostgreSQL rightly refuses. Try again. */
export class OldBackendsError extends Error {
  readonly failure: PostgresStartError

  constructor(failure: PostgresStartError) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}

export function portInUse(port: number): PostgresPortInUseError {
  return new PostgresPortInUseError(
    `port ${String(port)} on 127.0.0.1 is taken by another program: choose another port, or 0 for a free one`,
    {
      facts: { port },
    },
  )
}

async function logTail(logFile: string, from: number): Promise<string> {
  const text = (await readFile(logFile)).subarray(from).toString('utf8')
  return text.trim().split('\n').slice(-6).join(' | ')
}
