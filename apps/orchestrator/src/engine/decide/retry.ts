import type { AgentStep } from '../../plan/plan.ts'
import { itemOfState } from './items.ts'
import { isSpent, stepOf, type RunState } from './run-state.ts'
import type { RunEvent } from './run-messages.ts'

/**
 * Whether another try follows a failed one. It counts failures, not tries: one that was lost with its process is the
 * fault of neither the agent nor its input.
 */
export function mayRetry(state: RunState, event: Extract<RunEvent, { type: 'step_failed' }>): boolean {
  const step = stepOf(state, event.stepId)
  if (step?.kind !== 'agent' || !event.transient || state.stopped !== undefined || isSpent(state)) return false
  const fanOut = itemOfState(state, event.stepId)?.fanOut
  if (fanOut !== undefined && fanOut.phase !== 'open') return false
  return failuresOf(state, event.stepId) + 1 < step.retry.maxAttempts
}

export function failuresOf(state: RunState, stepId: string): number {
  const item = itemOfState(state, stepId)
  return (item === undefined ? state.failures.get(stepId) : item.fanOut.failures.get(item.item)) ?? 0
}

/**
 * The pause before the next try: doubling, and shortened by up to a half by a hash of run, step and try, so that those
 * that failed together do not try together, and a replay waits the same.
 */
export function retryDelayMs(
  { retry }: AgentStep,
  failed: { readonly runId: string; readonly stepId: string; readonly attempt: number; readonly failures: number },
): number {
  const { runId, stepId, attempt, failures } = failed
  const longest = Math.min(retry.initialMs * 2 ** (failures - 1), retry.maxMs)
  return Math.max(1, Math.ceil(longest * (1 - spread(`${runId}/${stepId}/${attempt}`) / 2)))
}

/** FNV-1a with a final mix: from 0 up to 1, evenly. */
function spread(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
