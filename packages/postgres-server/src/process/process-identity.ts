import { readFileSync } from 'node:fs'

/** A process, told apart from a later one that was given the same id. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks from boot to its start, where the system tells (Linux); else `null`. */
  readonly startTicks: string | null
}

/** Who has `pid` now; `undefined` where nobody has, or only a dead process that its parent has not collected. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!answersToSignals(pid)) return undefined
  if (process.platform !== 'linux') return { pid, startTicks: null }
  const fields = readStat(pid)
  if (fields === undefined || fields.state === 'Z') return undefined
  return { pid, startTicks: fields.startTicks }
}

/** Whether this very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid)
  return now !== undefined && (identity.startTicks === null || now.startTicks === identity.startTicks)
}

/** Signals the process unless it is gone; says whether it was there. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    return process.kill(identity.pid, signal)
  } catch (error) {
    if (hasErrno(error, 'ESRCH')) return false
    throw error
  }
}

export function hasErrno(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && 'code' in thrown && codes.includes(thrown.code as string)
}

/** Whether the id is taken, be it by a dead process that nobody has collected yet. */
export function answersToSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it exists and is somebody else's.
    if (hasErrno(error, 'EPERM')) return true
    if (hasErrno(error, 'ESRCH')) return false
    throw error
  }
}

function readStat(pid: number): { readonly state: string; readonly startTicks: string } | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
  // The name in parentheses may hold spaces and parentheses itself: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], fields[19]]
  return state === undefined || startTicks === undefined ? undefined : { state, startTicks }
}
