import type { JsonValue } from '@cidadao/contracts'
import type { Plan } from '../../plan/plan.ts'
import { approvalEnding, type ApprovalDecision } from './approval.ts'
import { itemDue, itemEnded, itemRetrying, itemStarted, isUnderWay, newFanOut, type FanOut } from './fan-out.ts'
import { itemOfState, type KnownItem } from './items.ts'
import { indexPlan, toItem } from './plan-index.ts'
import { mayRetry } from './retry.ts'
import type { RunEvent } from './run-messages.ts'
import { isEnded, isUnneeded, statusOf, stepOf, type RunState, type StopReason } from './run-state.ts'

type Ended = Extract<RunEvent, { type: 'step_ended' }>

/** The state after `event`; the same object where the event changes nothing, being late or repeated. */
export function evolve(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case 'submitted':
      return state
    case 'cancel_requested':
      return stop(state, 'cancelled')
    case 'timed_out':
      return stop(state, 'timed_out')
    case 'plan_revised':
      return revise(state, event.plan)
    default:
      return toItem(event.stepId) === undefined ? evolveStep(state, event) : evolveItem(state, event)
  }
}

type StepEvent = Exclude<RunEvent, { type: 'submitted' | 'cancel_requested' | 'timed_out' | 'plan_revised' }>

function stop(state: RunState, stopped: StopReason): RunState {
  return state.stopped === undefined ? { ...state, stopped } : state
}

/** Steps are appended, never taken away, so what is known of the others stays true. */
function revise(state: RunState, plan: Plan): RunState {
  const steps = new Map(state.steps)
  for (const { id } of plan.steps) if (!steps.has(id)) steps.set(id, 'pending')
  return { ...state, plan, index: indexPlan(plan), steps }
}

function evolveStep(state: RunState, event: StepEvent): RunState {
  const status = state.steps.get(event.stepId)
  if (status === undefined || isEnded(status)) return state
  switch (event.type) {
    case 'step_started':
      return start(state, event.stepId)
    case 'step_expanded':
      return expand(state, event)
    case 'step_collecting':
      return withFanOut(state, event.stepId, (fanOut) => ({ ...fanOut, phase: 'collecting' }))
    case 'step_ended':
      return end(state, event)
    case 'step_failed':
      return fail(state, event)
    case 'retry_due':
      return status === 'retrying' ? { ...state, steps: new Map(state.steps).set(event.stepId, 'pending') } : state
    case 'approval_given':
    case 'approval_timed_out':
      return answer(state, event.stepId, event.type === 'approval_given' ? event : 'timed_out')
  }
}

function start(state: RunState, stepId: string): RunState {
  if (statusOf(state, stepId) === 'running') return state
  const started = { ...state, steps: new Map(state.steps).set(stepId, 'running' as const) }
  return stepOf(state, stepId)?.kind === 'approval' ? started : spend(started, { stepRuns: 1, cost: 0 })
}

function expand(state: RunState, { stepId, items }: Extract<RunEvent, { type: 'step_expanded' }>): RunState {
  if (state.fanOuts.has(stepId)) return state
  const fanOuts = new Map(state.fanOuts).set(stepId, newFanOut(items))
  return { ...state, fanOuts, steps: new Map(state.steps).set(stepId, 'running') }
}

function end(state: RunState, { stepId, status, output, cost = 0, reason }: Ended): RunState {
  const ended = {
    ...state,
    steps: new Map(state.steps).set(stepId, status),
    outputs: status === 'completed' ? keepOutput(state, stepId, output) : state.outputs,
    failures: without(state.failures, stepId),
    unneeded: reason !== undefined && isUnneeded(reason) ? new Set(state.unneeded).add(stepId) : state.unneeded,
  }
  return spend(ended, { stepRuns: 0, cost })
}

function keepOutput(state: RunState, stepId: string, output: JsonValue | undefined): RunState['outputs'] {
  if (output === undefined || !state.index.referenced.has(stepId)) return state.outputs
  return new Map(state.outputs).set(stepId, output)
}

function fail(state: RunState, event: Extract<RunEvent, { type: 'step_failed' }>): RunState {
  const { stepId, cost } = event
  if (statusOf(state, stepId) !== 'running') return state
  if (!mayRetry(state, event)) return end(state, { type: 'step_ended', stepId, status: 'failed', cost })
  const failures = new Map(state.failures).set(stepId, (state.failures.get(stepId) ?? 0) + 1)
  return spend({ ...state, failures, steps: new Map(state.steps).set(stepId, 'retrying') }, { stepRuns: 0, cost: cost ?? 0 })
}

function answer(state: RunState, stepId: string, said: ApprovalDecision | 'timed_out'): RunState {
  const step = stepOf(state, stepId)
  if (step?.kind !== 'approval' || statusOf(state, stepId) !== 'running') return state
  const ending = approvalEnding(step, said)
  const output = ending.status === 'completed' ? ending.output : undefined
  return end(state, { type: 'step_ended', stepId, status: ending.status, output })
}

function evolveItem(state: RunState, event: StepEvent): RunState {
  const known = itemOfState(state, event.stepId)
  // Where the whole step has ended its items have nothing to say any more.
  if (known === undefined || isEnded(statusOf(state, known.stepId))) return state
  if (event.type === 'step_started') return startItem(state, known)
  if (!isUnderWay(known.fanOut, known.item)) return state
  switch (event.type) {
    case 'step_ended':
      return endItem(state, known, event)
    case 'step_failed':
      return failItem(state, known, event)
    case 'retry_due':
      if (known.fanOut.open.get(known.item) !== 'retrying') return state
      return withFanOut(state, known.stepId, (fanOut) => itemDue(fanOut, known.item))
    default:
      return state
  }
}

function startItem(state: RunState, { stepId, item, fanOut }: KnownItem): RunState {
  const isNew = item >= fanOut.next || fanOut.again.includes(item)
  if (!isNew) return state
  return spend(
    withFanOut(state, stepId, () => itemStarted(fanOut, item)),
    { stepRuns: 1, cost: 0 },
  )
}

function endItem(state: RunState, { stepId, item }: KnownItem, { status, cost = 0 }: Pick<Ended, 'status' | 'cost'>): RunState {
  const step = stepOf(state, stepId)
  const policy = (step?.kind === 'agent' ? step.forEach?.onItemFailure : undefined) ?? 'continue'
  const ended = withFanOut(state, stepId, (fanOut) => itemEnded(fanOut, { item, completed: status === 'completed', policy }))
  return spend(ended, { stepRuns: 0, cost })
}

function failItem(state: RunState, known: KnownItem, event: Extract<RunEvent, { type: 'step_failed' }>): RunState {
  if (known.fanOut.open.get(known.item) !== 'running') return state
  if (!mayRetry(state, event)) return endItem(state, known, { status: 'failed', cost: event.cost })
  const waiting = withFanOut(state, known.stepId, (fanOut) => itemRetrying(fanOut, known.item))
  return spend(waiting, { stepRuns: 0, cost: event.cost ?? 0 })
}

function withFanOut(state: RunState, stepId: string, change: (fanOut: FanOut) => FanOut): RunState {
  const fanOut = state.fanOuts.get(stepId)
  return fanOut === undefined ? state : { ...state, fanOuts: new Map(state.fanOuts).set(stepId, change(fanOut)) }
}

function spend(state: RunState, more: RunState['spent']): RunState {
  if (more.stepRuns === 0 && more.cost === 0) return state
  const { stepRuns, cost } = state.spent
  return { ...state, spent: { stepRuns: stepRuns + more.stepRuns, cost: cost + more.cost } }
}

function without(map: ReadonlyMap<string, number>, key: string): ReadonlyMap<string, number> {
  if (!map.has(key)) return map
  const rest = new Map(map)
  rest.delete(key)
  return rest
}
