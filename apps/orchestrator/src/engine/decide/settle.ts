import type { AgentStep, ForEach, PlanStep } from '../../plan/plan.ts'
import { newFanOut, nextItem, type FanOut } from './fan-out.ts'
import { partOf } from './json-part.ts'
import { itemId } from './plan-index.ts'
import { readiness, whySkipped } from './readiness.ts'
import { failuresOf } from './retry.ts'
import type { StepFailure } from './run-messages.ts'
import { isSpent, statusOf, type RunState, type SkipReason } from './run-state.ts'
import type { Turn } from './turn.ts'

const BUDGET_SPENT: StepFailure = { code: 'ORCHESTRATOR_BUDGET_SPENT', message: 'the budget of the investigation is spent' }

type FanOutStep = AgentStep & { readonly forEach: ForEach }

function isFanOut(step: AgentStep): step is FanOutStep {
  return step.forEach !== undefined
}

/** Starts, asks, expands, skips or fails a pending step, as soon as what is before it allows to say which; moves a fan-out on. */
export function settle(turn: Turn, stepId: string): void {
  const step = turn.state.index.steps.get(stepId)
  const status = statusOf(turn.state, stepId)
  if (step === undefined) return
  if (status === 'pending') settlePending(turn, step)
  else if (status === 'running' && step.kind === 'agent' && isFanOut(step)) moveOn(turn, step)
}

function settlePending(turn: Turn, step: PlanStep): void {
  const ready = readiness(turn.state, step)
  if (ready.verdict === 'skipped') return skip(turn, step.id, ready.reason)
  if (ready.verdict === 'waits') return
  if (step.kind === 'approval') return turn.issue({ type: 'ask_approval', stepId: step.id, timeoutMs: step.timeoutMs })
  if (isSpent(turn.state)) return giveUp(turn, step.id)
  if (isFanOut(step)) return expand(turn, step)
  turn.issue({ type: 'start_step', stepId: step.id })
}

/** A step that has run before cannot be skipped any more: it failed. */
function giveUp(turn: Turn, stepId: string): void {
  if (failuresOf(turn.state, stepId) > 0) turn.issue({ type: 'fail_step', stepId, failure: BUDGET_SPENT })
  else skip(turn, stepId, 'budget_spent')
}

export function skip(turn: Turn, stepId: string, reason: SkipReason): void {
  turn.issue({ type: 'skip_step', stepId, reason, because: whySkipped(reason, turn.state.stopped) })
}

function expand(turn: Turn, step: FanOutStep): void {
  const items = itemCount(turn.state, step.forEach)
  if (typeof items !== 'number') return turn.issue({ type: 'fail_step', stepId: step.id, failure: items })
  turn.issue({ type: 'expand_step', stepId: step.id, items })
  moveOn(turn, step)
}

function itemCount({ outputs }: RunState, { from, path, maxItems }: ForEach): number | StepFailure {
  const list = partOf(outputs.get(from), path)
  const where = [from, ...path].join('.')
  if (!Array.isArray(list)) return { code: 'ORCHESTRATOR_FAN_OUT_NO_LIST', message: `forEach needs a list, and ${where} is none` }
  if (list.length <= maxItems) return list.length
  return {
    code: 'ORCHESTRATOR_FAN_OUT_TOO_WIDE',
    message: `forEach found ${list.length} items in ${where}, more than maxItems = ${maxItems}`,
  }
}

/** Starts items up to the allowed number, and ends the step once nothing is left to do. */
function moveOn(turn: Turn, step: FanOutStep): void {
  if (fanOutOf(turn, step).phase === 'collecting') return
  const { maxParallel, onItemFailure } = step.forEach
  if (fanOutOf(turn, step).phase === 'halted') letGo(turn, step.id, turn.before.fanOuts.get(step.id)?.phase === 'open' ? 'all' : 'waiting')
  for (let item = nextItem(fanOutOf(turn, step), maxParallel); item !== undefined; item = nextItem(fanOutOf(turn, step), maxParallel)) {
    const stepId = itemId(step.id, item)
    const isAgain = fanOutOf(turn, step).again.includes(item)
    if (!isSpent(turn.state)) turn.issue({ type: 'start_step', stepId })
    else if (isAgain) turn.issue({ type: 'fail_step', stepId, failure: BUDGET_SPENT })
    else break
  }
  const { items, open, again, completed } = fanOutOf(turn, step)
  if (open.size > 0 || again.length > 0) return
  const mustFail = onItemFailure === 'continue' ? completed === 0 && items > 0 : completed < items
  if (mustFail) turn.issue({ type: 'fail_step', stepId: step.id, failure: itemsFailed(fanOutOf(turn, step)) })
  else turn.issue({ type: 'collect_step', stepId: step.id, items })
}

/** Ends the items of a fan-out that wait, at once, and unless they were told before has those stopped that agents work on. */
export function letGo(turn: Turn, stepId: string, which: 'all' | 'waiting'): void {
  const fanOut = turn.state.fanOuts.get(stepId)
  if (fanOut === undefined) return
  for (const [item, status] of fanOut.open) {
    if (status === 'retrying') turn.issue({ type: 'cancel_step', stepId: itemId(stepId, item) })
    else if (which === 'all') turn.issue({ type: 'abort_step', stepId: itemId(stepId, item) })
  }
  for (const item of fanOut.again) turn.issue({ type: 'cancel_step', stepId: itemId(stepId, item) })
}

function fanOutOf(turn: Turn, step: FanOutStep): FanOut {
  // One that never began has nothing to do.
  return turn.state.fanOuts.get(step.id) ?? newFanOut(0)
}

function itemsFailed({ items, completed, firstFailed }: FanOut): StepFailure {
  const first = firstFailed === undefined ? '' : `, the first to fail was number ${firstFailed}`
  return { code: 'ORCHESTRATOR_ITEMS_FAILED', message: `${items - completed} of ${items} items have no result${first}` }
}
