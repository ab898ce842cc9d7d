import type { RunOutcome } from './run-messages.ts'
import { isSpent, statusOf, type RunState } from './run-state.ts'

/** How a run ends whose steps have all ended. */
export function outcomeOf(state: RunState): RunOutcome {
  const { plan, stopped } = state
  if (stopped === 'cancelled') return { status: 'cancelled' }
  const missing = plan.steps.filter(({ id }) => statusOf(state, id) !== 'completed' && !state.unneeded.has(id))
  const failedSteps = missing.filter(({ id }) => statusOf(state, id) === 'failed').map(({ id }) => id)
  if (stopped === 'timed_out') return { status: 'error', because: 'timed_out', failedSteps }
  const mustFail = missing.some(({ essential }) => essential) || (failedSteps.length > 0 && plan.onStepFailure === 'fail')
  if (mustFail)
    return { status: 'error', because: failedSteps.length === 0 && isSpent(state) ? 'budget_spent' : 'steps_failed', failedSteps }
  return { status: 'completed', gaps: plan.steps.filter(({ id }) => missingIn(state, id)).map(({ id }) => id) }
}

function missingIn(state: RunState, id: string): boolean {
  if (statusOf(state, id) !== 'completed') return !state.unneeded.has(id)
  const fanOut = state.fanOuts.get(id)
  return fanOut !== undefined && fanOut.completed < fanOut.items
}
