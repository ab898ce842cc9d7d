import { delay, systemClock } from '@cidadao/contracts'
import { PostgresStopError } from '../errors.ts'
import { isAlive, signalProcess, type ProcessIdentity } from '../process/process-identity.ts'

const POLL_MS = 10
const IMMEDIATE_TIMEOUT_MS = 5_000

/**
 * Ends a server: fast (open transactions are rolled back, everything is written), and where that takes longer than
 * `fastTimeoutMs`, immediately (as after a power cut: the next start recovers).
 *
 * @throws PostgresStopError where it survives both
 */
export async function stopPostmaster(server: ProcessIdentity, fastTimeoutMs: number): Promise<'fast' | 'immediate'> {
  signalProcess(server, 'SIGINT')
  if (await isGoneWithin(server, fastTimeoutMs)) return 'fast'
  signalProcess(server, 'SIGQUIT')
  if (await isGoneWithin(server, IMMEDIATE_TIMEOUT_MS)) return 'immediate'
  throw new PostgresStopError(`PostgreSQL (process ${String(server.pid)}) did not stop: end it by hand`, { facts: { pid: server.pid } })
}

async function isGoneWithin(server: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadlineMs = systemClock.monotonicMs() + timeoutMs
  while (isAlive(server)) {
    if (systemClock.monotonicMs() > deadlineMs) return false
    await delay(systemClock, POLL_MS)
  }
  return true
}
