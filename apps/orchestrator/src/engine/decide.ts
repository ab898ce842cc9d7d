import type { Plan, PlanStep } from '../plan/plan.ts'

/** How far a step is. `skipped` and everything behind it never run again. */
export const STEP_STATUSES = ['pending', 'running', 'completed', 'failed', 'skipped', 'cancelled'] as const
export type StepStatus = (typeof STEP_STATUSES)[number]

/** Why a run ends before its plan does. */
export const STOP_REASONS = ['cancelled', 'timed_out'] as const
export type StopReason = (typeof STOP_REASONS)[number]

export interface RunState {
  readonly plan: Plan
  readonly steps: ReadonlyMap<string, StepStatus>
  /** Set once; what comes later does not change it. */
  readonly stopped: StopReason | undefined
}

export type RunEvent =
  | { readonly type: 'submitted' }
  | { readonly type: 'step_started'; readonly stepId: string }
  | { readonly type: 'step_ended'; readonly stepId: string; readonly status: 'completed' | 'failed' | 'skipped' | 'cancelled' }
  | { readonly type: 'cancel_requested' }
  /** The run took longer than it may; whoever watches the clock says so. */
  | { readonly type: 'timed_out' }

export type RunCommand =
  | { readonly type: 'start_step'; readonly stepId: string }
  | SkipCommand
  | { readonly type: 'abort_step'; readonly stepId: string }
  | { readonly type: 'finish'; readonly outcome: RunOutcome }

interface SkipCommand {
  readonly type: 'skip_step'
  readonly stepId: string
  readonly because: string
}

export type RunOutcome =
  | { readonly status: 'completed'; readonly gaps: readonly string[] }
  | { readonly status: 'error'; readonly because: 'steps_failed' | 'timed_out'; readonly failedSteps: readonly string[] }
  | { readonly status: 'cancelled' }

const TERMINAL: ReadonlySet<StepStatus> = new Set<StepStatus>(['completed', 'failed', 'skipped', 'cancelled'])

/** Nothing has run yet. */
export function initialState(plan: Plan): RunState {
  return { plan, steps: new Map(plan.steps.map(({ id }) => [id, 'pending'])), stopped: undefined }
}

/** The state after `event`. */
export function evolve(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case 'submitted':
      return state
    case 'cancel_requested':
      return { ...state, stopped: state.stopped ?? 'cancelled' }
    case 'timed_out':
      return { ...state, stopped: state.stopped ?? 'timed_out' }
    case 'step_started':
      return { ...state, steps: new Map(state.steps).set(event.stepId, 'running') }
    case 'step_ended':
      return { ...state, steps: new Map(state.steps).set(event.stepId, event.status) }
  }
}

/**
 * What to do after `event`: pure, without clock or chance, so that replaying the events of an investigation gives the
 * same commands on any machine.
 */
export function decide(before: RunState, event: RunEvent): readonly RunCommand[] {
  let state = evolve(before, event)
  const commands: RunCommand[] = []
  if (state.stopped !== undefined) commands.push(...abortRunning(state))
  // A skipped step may decide the fate of those behind it, so go on until nothing changes.
  for (let skips = skippable(state); skips.length > 0; skips = skippable(state)) {
    commands.push(...skips)
    for (const { stepId } of skips) state = evolve(state, { type: 'step_ended', stepId, status: 'skipped' })
  }
  if (allTerminal(state)) return [...commands, { type: 'finish', outcome: outcomeOf(state) }]
  if (state.stopped !== undefined) return commands
  return [...commands, ...startable(state)]
}

function statusOf(state: RunState, stepId: string): StepStatus {
  return state.steps.get(stepId) ?? 'pending'
}

function allTerminal(state: RunState): boolean {
  return state.plan.steps.every(({ id }) => TERMINAL.has(statusOf(state, id)))
}

function waitingSteps(state: RunState): PlanStep[] {
  return state.plan.steps.filter(({ id }) => statusOf(state, id) === 'pending')
}

type Readiness = 'waits' | 'runs' | 'never'

function readiness(state: RunState, step: PlanStep): Readiness {
  const upstream = step.dependsOn.map((id) => statusOf(state, id))
  const failed = upstream.some((status) => status !== 'completed' && TERMINAL.has(status))
  // One bad dependency already settles the fate of a step that wants all of them good.
  if (step.onUpstream === 'all_success' && failed) return 'never'
  if (!upstream.every((status) => TERMINAL.has(status))) return 'waits'
  if (step.onUpstream === 'one_failed') return failed ? 'runs' : 'never'
  return 'runs'
}

function startable(state: RunState): RunCommand[] {
  return waitingSteps(state)
    .filter((step) => readiness(state, step) === 'runs')
    .map(({ id }) => ({ type: 'start_step', stepId: id }))
}

function skippable(state: RunState): SkipCommand[] {
  return waitingSteps(state).flatMap((step) => {
    const because = whySkipped(state, step)
    return because === undefined ? [] : [{ type: 'skip_step', stepId: step.id, because }]
  })
}

const WHY_STOPPED: Readonly<Record<StopReason, string>> = {
  cancelled: 'the investigation was cancelled',
  timed_out: 'the investigation took longer than it may',
}

function whySkipped(state: RunState, step: PlanStep): string | undefined {
  if (state.stopped !== undefined) return WHY_STOPPED[state.stopped]
  if (readiness(state, step) !== 'never') return undefined
  return step.onUpstream === 'one_failed' ? 'nothing before it failed' : 'a step before it did not complete'
}

function abortRunning(state: RunState): RunCommand[] {
  return state.plan.steps.filter(({ id }) => statusOf(state, id) === 'running').map(({ id }) => ({ type: 'abort_step', stepId: id }))
}

function outcomeOf(state: RunState): RunOutcome {
  const { plan, stopped } = state
  if (stopped === 'cancelled') return { status: 'cancelled' }
  const unfinished = plan.steps.filter(({ id }) => statusOf(state, id) !== 'completed')
  const failedSteps = unfinished.filter(({ id }) => statusOf(state, id) === 'failed').map(({ id }) => id)
  if (stopped === 'timed_out') return { status: 'error', because: 'timed_out', failedSteps }
  const mustFail = unfinished.some(({ essential }) => essential) || (failedSteps.length > 0 && plan.onStepFailure === 'fail')
  if (mustFail) return { status: 'error', because: 'steps_failed', failedSteps }
  // A step that waits for a failure and saw none has nothing missing.
  return { status: 'completed', gaps: unfinished.filter(({ onUpstream }) => onUpstream !== 'one_failed').map(({ id }) => id) }
}
