import { z } from 'zod'
import { MAX_STEPS, MAX_WAIT_MS, planStepSchema, STEP_ID } from './plan-step.ts'

export { UPSTREAM_RULES } from './plan-step.ts'
export type { AgentStep, ApprovalStep, Condition, ForEach, PlanStep, StepInput, StepRetry, UpstreamRule } from './plan-step.ts'

/** What becomes of the investigation when a step fails: end with the gap named, or end as an error. */
export const FAILURE_POLICIES = ['complete_with_gaps', 'fail'] as const
export type FailurePolicy = (typeof FAILURE_POLICIES)[number]

const MAX_REVISIONS = 50

/** Where it is spent nothing more begins; what runs is let run. */
const budget = z.strictObject({
  /** Runs of agents in all: items and repeated tries count, approvals do not. */
  maxStepRuns: z.int().positive().max(1_000_000).optional(),
  /** Units that agents say they cost. */
  maxCost: z.number().positive().optional(),
})

/** How far steps with `mayReplan` may go. */
const replanning = z.strictObject({
  maxRevisions: z.int().nonnegative().max(MAX_REVISIONS).default(5),
  /** Steps of the first plan have depth 0, those that a step appends have one more than it. */
  maxDepth: z.int().positive().max(10).default(2),
  /** Steps appended in all. */
  maxSteps: z.int().positive().max(MAX_STEPS).default(50),
})

const revision = z.strictObject({ by: z.string().regex(STEP_ID), steps: z.array(z.string().regex(STEP_ID)).min(1).max(MAX_STEPS) })

/** The shape of a plan; whether it makes sense as a whole is for `validatePlan`. */
export const planSchema = z.strictObject({
  version: z.literal(1),
  /** The rule template, or the planner, that made it. */
  madeBy: z.string().min(1).max(100),
  onStepFailure: z.enum(FAILURE_POLICIES),
  steps: z.array(planStepSchema).min(1).max(MAX_STEPS),
  /** Whose output is the result of the investigation; the last step's where the plan does not say. */
  resultStep: z.string().regex(STEP_ID).optional(),
  /** Longest time from submission to end; the engine's own limit where the plan names none. */
  timeoutMs: z.int().positive().max(MAX_WAIT_MS).optional(),
  budget: budget.default({}),
  replanning: replanning.default({ maxRevisions: 5, maxDepth: 2, maxSteps: 50 }),
  /** What was appended since the first plan, in order, and by which step. */
  revisions: z.array(revision).max(MAX_REVISIONS).default([]),
})

/** A directed acyclic graph of steps, as data: nothing runs that is not written here. */
export type Plan = z.infer<typeof planSchema>

/** The step whose output is the result of the investigation. Appended steps come after the last of the first plan. */
export function resultStepOf(plan: Plan): string | undefined {
  const appended = new Set(plan.revisions.flatMap(({ steps }) => steps))
  return plan.resultStep ?? plan.steps.findLast(({ id }) => !appended.has(id))?.id
}

/** 1 for the first plan, one more for each time steps were appended. */
export function revisionOf(plan: Plan): number {
  return plan.revisions.length + 1
}
