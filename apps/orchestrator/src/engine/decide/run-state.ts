import type { JsonValue } from '@cidadao/contracts'
import type { Plan, PlanStep } from '../../plan/plan.ts'
import type { FanOut } from './fan-out.ts'
import { indexPlan, toItem, type PlanIndex } from './plan-index.ts'

/** How far a step is, as it is stored. `skipped` and everything behind it never run again. */
export const STEP_STATUSES = ['pending', 'running', 'completed', 'failed', 'skipped', 'cancelled'] as const
export type StepStatus = (typeof STEP_STATUSES)[number]

/** Besides what is stored: a step whose last try failed, waiting for the next. An approval that is asked for is `running`. */
export type StepProgress = StepStatus | 'retrying'

/** Why a run ends before its plan does. */
export const STOP_REASONS = ['cancelled', 'timed_out'] as const
export type StopReason = (typeof STOP_REASONS)[number]

/** Why a step never runs. */
export const SKIP_REASONS = ['upstream_failed', 'condition_false', 'nothing_failed', 'not_needed', 'budget_spent', 'stopped'] as const
export type SkipReason = (typeof SKIP_REASONS)[number]

/** Reasons that leave nothing missing. */
const UNNEEDED: ReadonlySet<SkipReason> = new Set<SkipReason>(['condition_false', 'nothing_failed', 'not_needed'])

export interface Spent {
  readonly stepRuns: number
  readonly cost: number
}

/** All that `decide` knows. Made by `initialState` or `restoreState`, changed by `evolve` alone. */
export interface RunState {
  readonly runId: string
  readonly plan: Plan
  readonly index: PlanIndex
  /** Of the steps of the plan; items of a fan-out are in `fanOuts`. */
  readonly steps: ReadonlyMap<string, StepProgress>
  readonly fanOuts: ReadonlyMap<string, FanOut>
  /** What conditions and lists refer to. */
  readonly outputs: ReadonlyMap<string, JsonValue>
  /** Failed tries of each step that has not ended. */
  readonly failures: ReadonlyMap<string, number>
  /** Skipped steps that nobody misses. */
  readonly unneeded: ReadonlySet<string>
  readonly spent: Spent
  /** Set once; what comes later does not change it. */
  readonly stopped: StopReason | undefined
}

const TERMINAL: ReadonlySet<StepProgress> = new Set<StepProgress>(['completed', 'failed', 'skipped', 'cancelled'])

/** Nothing has run yet. `runId` spreads the pauses of different runs. */
export function initialState(plan: Plan, runId = ''): RunState {
  return {
    runId,
    plan,
    index: indexPlan(plan),
    steps: new Map(plan.steps.map(({ id }) => [id, 'pending'])),
    fanOuts: new Map(),
    outputs: new Map(),
    failures: new Map(),
    unneeded: new Set(),
    spent: { stepRuns: 0, cost: 0 },
    stopped: undefined,
  }
}

export function isEnded(status: StepProgress): boolean {
  return TERMINAL.has(status)
}

export function isUnneeded(reason: SkipReason): boolean {
  return UNNEEDED.has(reason)
}

export function statusOf(state: RunState, stepId: string): StepProgress {
  return state.steps.get(stepId) ?? 'pending'
}

/** The step of the plan, for an item of a fan-out the one that it belongs to. */
export function stepOf(state: Pick<RunState, 'index'>, stepId: string): PlanStep | undefined {
  return state.index.steps.get(toItem(stepId)?.stepId ?? stepId)
}

/** Whether the budget allows no further run. */
export function isSpent({ plan, spent }: RunState): boolean {
  const { maxStepRuns = Number.POSITIVE_INFINITY, maxCost = Number.POSITIVE_INFINITY } = plan.budget
  return spent.stepRuns >= maxStepRuns || spent.cost >= maxCost
}
