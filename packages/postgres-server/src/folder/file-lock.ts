import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { delay, systemClock } from '@cidadao/contracts'
import { PostgresFolderBusyError } from '../errors.ts'
import { hasErrno, identifyProcess, isAlive, type ProcessIdentity } from '../process/process-identity.ts'

const POLL_MS = 20

export interface FileLockOptions {
  /** Longest wait for another process, in milliseconds. */
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs `work` while no other process does so with the same lock file. A lock whose holder has died is taken over.
 *
 * @throws PostgresFolderBusyError when a living holder keeps it for longer than `waitMs`
 */
export async function withFileLock<T>(lockFile: string, options: FileLockOptions, work: () => Promise<T>): Promise<T> {
  const deadlineMs = systemClock.monotonicMs() + options.waitMs
  while (!(await tryLock(lockFile))) {
    if (systemClock.monotonicMs() > deadlineMs) throw busy(lockFile, options.waitMs)
    await delay(systemClock, POLL_MS, options.signal)
  }
  try {
    return await work()
  } finally {
    await rm(lockFile, { force: true })
  }
}

async function tryLock(lockFile: string): Promise<boolean> {
  try {
    await writeFile(lockFile, JSON.stringify(identifyProcess(process.pid)), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error
  }
  await dropDeadLock(lockFile)
  return false
}

/** Moved away before it is removed: of two processes that see the same dead holder, one gets the file. */
async function dropDeadLock(lockFile: string): Promise<void> {
  const seen = await readHolder(lockFile)
  if (seen === undefined || isAlive(seen)) return
  const aside = `${lockFile}.${randomUUID()}`
  try {
    await rename(lockFile, aside)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return
    throw error
  }
  const taken = await readHolder(aside)
  // Between the two reads another process may have cleaned up and locked anew: then it gets its lock back.
  if (taken !== undefined && isAlive(taken)) await rename(aside, lockFile)
  else await rm(aside, { force: true })
}

/** `undefined` where there is no lock, or its holder has not finished writing it. */
async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  try {
    const text = await readFile(file, 'utf8')
    return text === '' ? undefined : (JSON.parse(text) as ProcessIdentity)
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || error instanceof SyntaxError) return undefined
    throw error
  }
}

function busy(lockFile: string, waitMs: number): PostgresFolderBusyError {
  return new PostgresFolderBusyError(
    `another process has been starting or stopping this PostgreSQL for ${String(waitMs)} ms (${lockFile})`,
    {
      facts: { lockFile, waitMs },
    },
  )
}
