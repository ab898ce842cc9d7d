import { delay, systemClock } from '@cidadao/contracts'
import { PostgresPortInUseError } from '../errors.ts'
import type { DataFolder } from '../folder/data-folder.ts'
import { findFreePort, isPortFree } from '../process/free-port.ts'
import { launchPostmaster, OldBackendsError, portInUse, type LaunchedServer, type LaunchOptions } from './postmaster-launch.ts'

/** How often a free port may be taken by another program between finding and using it. */
const FREE_PORT_ATTEMPTS = 5
const OLD_BACKENDS_POLL_MS = 20

/**
 * Launches a server through what passes: a free port (asked for as 0) that is taken in the meantime, and the last
 * backends of a server that was killed.
 *
 * @throws PostgresPortInUseError for a port that was asked for by number; PostgresStartError
 */
export async function launchPatiently(folder: DataFolder, options: LaunchOptions): Promise<LaunchedServer> {
  const deadlineMs = systemClock.monotonicMs() + options.timeoutMs
  for (;;) {
    try {
      return await launchOnPort(folder, options)
    } catch (error) {
      if (!(error instanceof OldBackendsError)) throw error
      if (systemClock.monotonicMs() > deadlineMs) throw error.failure
      await delay(systemClock, OLD_BACKENDS_POLL_MS, options.signal)
    }
  }
}

async function launchOnPort(folder: DataFolder, options: LaunchOptions): Promise<LaunchedServer> {
  if (options.port === 0) return launchOnFreePort(folder, options)
  if (!(await isPortFree(options.port))) throw portInUse(options.port)
  return launchPostmaster(folder, options)
}

async function launchOnFreePort(folder: DataFolder, options: LaunchOptions): Promise<LaunchedServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launchPostmaster(folder, { ...options, port: await findFreePort() })
    } catch (error) {
      if (!(error instanceof PostgresPortInUseError) || attempt === FREE_PORT_ATTEMPTS) throw error
    }
  }
}
