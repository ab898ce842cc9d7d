import { outcomeOf } from './decide/outcome.ts'
import { toItem } from './decide/plan-index.ts'
import { failuresOf, retryDelayMs } from './decide/retry.ts'
import type { RunCommand, RunEvent } from './decide/run-messages.ts'
import { isEnded, statusOf, stepOf, type RunState } from './decide/run-state.ts'
import { letGo, settle, skip } from './decide/settle.ts'
import { Turn } from './decide/turn.ts'

export { approvalEnding, type ApprovalDecision, type ApprovalEnding } from './decide/approval.ts'
export { evolve } from './decide/evolve.ts'
export { partOf } from './decide/json-part.ts'
export { itemId, referencedOutputs, toItem } from './decide/plan-index.ts'
export { restoreState, type KnownRun, type KnownStep } from './decide/restore.ts'
export { mayRetry } from './decide/retry.ts'
export { eventOf, ERROR_CAUSES, type RunCommand, type RunEvent, type RunOutcome, type StepFailure } from './decide/run-messages.ts'
export {
  initialState,
  STEP_STATUSES,
  STOP_REASONS,
  stepOf,
  type RunState,
  type SkipReason,
  type StepProgress,
  type StepStatus,
  type StopReason,
} from './decide/run-state.ts'

/** What to do, and the state once that is done. */
export interface Decision {
  readonly state: RunState
  readonly commands: readonly RunCommand[]
}

/**
 * What to do after `event`: pure, without clock or chance, so that replaying the events of an investigation gives the
 * same commands on any machine. Whoever carries a command out tells `evolve` of its `eventOf`.
 */
export function decide(before: RunState, event: RunEvent): readonly RunCommand[] {
  return advance(before, event).commands
}

/** `decide`, with the state in which all its commands are carried out: for those who do so, or store that they will. */
export function advance(before: RunState, event: RunEvent): Decision {
  const turn = new Turn(before, event)
  // Late or repeated: nothing follows from it that did not follow before.
  if (turn.state === before && event.type !== 'submitted') return { state: before, commands: [] }
  announceRetry(turn, event)
  if (turn.state.stopped === undefined) {
    turn.lookAt(concerned(turn.state, event))
    for (const stepId of turn.toLookAt()) settle(turn, stepId)
  } else windDown(turn, before.stopped === undefined || event.type === 'submitted')
  if (allEnded(turn.state)) turn.issue({ type: 'finish', outcome: outcomeOf(turn.state) })
  return { state: turn.state, commands: turn.commands }
}

function announceRetry(turn: Turn, event: RunEvent): void {
  if (event.type !== 'step_failed' || !isRetrying(turn.state, event.stepId)) return
  const step = stepOf(turn.state, event.stepId)
  if (step?.kind !== 'agent') return
  const { stepId, attempt } = event
  const afterMs = retryDelayMs(step, { runId: turn.state.runId, stepId, attempt, failures: failuresOf(turn.state, stepId) })
  turn.issue({ type: 'wait_retry', stepId, afterMs })
}

function isRetrying(state: RunState, stepId: string): boolean {
  const found = toItem(stepId)
  if (found === undefined) return statusOf(state, stepId) === 'retrying'
  return state.fanOuts.get(found.stepId)?.open.get(found.item) === 'retrying'
}

/** The steps for which the event may change what is to be done. */
function concerned(state: RunState, event: RunEvent): Iterable<string> {
  if (!('stepId' in event)) return state.index.steps.keys()
  const found = toItem(event.stepId)
  if (found !== undefined) return [found.stepId]
  return isEnded(statusOf(state, event.stepId)) ? (state.index.dependents.get(event.stepId) ?? []) : [event.stepId]
}

/** Nothing begins any more: what waits is skipped, what runs is stopped; `first` says that nobody was told yet. */
function windDown(turn: Turn, first: boolean): void {
  for (const { id, kind } of turn.state.plan.steps) {
    const status = statusOf(turn.state, id)
    const fanOut = turn.state.fanOuts.get(id)
    if (status === 'retrying' || (status === 'running' && kind === 'approval')) turn.issue({ type: 'cancel_step', stepId: id })
    else if (status === 'running' && fanOut === undefined && first) turn.issue({ type: 'abort_step', stepId: id })
    else if (status === 'running' && fanOut !== undefined && first) letGo(turn, id, 'all')
  }
  for (const { id } of turn.state.plan.steps) {
    const fanOut = turn.state.fanOuts.get(id)
    if (statusOf(turn.state, id) === 'pending') skip(turn, id, 'stopped')
    else if (statusOf(turn.state, id) === 'running' && fanOut?.open.size === 0) turn.issue({ type: 'cancel_step', stepId: id })
  }
}

function allEnded({ steps }: RunState): boolean {
  for (const status of steps.values()) if (!isEnded(status)) return false
  return true
}
