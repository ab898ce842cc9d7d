import { z } from 'zod'
import { PlanInvalidError } from '../errors.ts'
import { planSchema, type Plan } from './plan.ts'
import { cycleIn, reachableFrom } from './plan-graph.ts'
import { revisionProblems } from './plan-revisions.ts'
import { stepProblems } from './plan-step-problems.ts'

/**
 * Accepts a plan from any planner, the built-in templates included: shape, unique steps, known agents, references to
 * steps that come before, no cycle, limits that a run can keep.
 *
 * @throws PlanInvalidError with every problem found, each naming step, rule and value.
 */
export function validatePlan(candidate: unknown, knownAgents: ReadonlySet<string>): Plan {
  const parsed = planSchema.safeParse(candidate)
  if (!parsed.success) throw new PlanInvalidError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  const plan = parsed.data
  const problems = planProblems(plan, knownAgents)
  if (problems.length > 0) throw new PlanInvalidError(problems)
  return plan
}

function planProblems(plan: Plan, knownAgents: ReadonlySet<string>): string[] {
  const before = reachableFrom(plan)
  const cycle = cycleIn(plan)
  return [
    ...duplicateSteps(plan),
    ...plan.steps.flatMap((step) => stepProblems(step, { knownAgents, before })),
    ...(cycle === undefined ? [] : [`the steps ${cycle.join(', ')} wait for each other`]),
    ...resultProblems(plan),
    ...budgetProblems(plan),
    ...revisionProblems(plan),
  ]
}

function duplicateSteps(plan: Plan): string[] {
  const seen = new Set<string>()
  return plan.steps.flatMap(({ id }) => {
    if (seen.has(id)) return [`step ${id}: the id stands twice`]
    seen.add(id)
    return []
  })
}

function resultProblems({ resultStep, steps }: Plan): string[] {
  if (resultStep === undefined || steps.some(({ id }) => id === resultStep)) return []
  return [`resultStep "${resultStep}" is no step of the plan`]
}

/** A budget that does not even pay for one run of each step that nothing may leave out could never do what it is for. */
function budgetProblems({ budget: { maxStepRuns }, steps }: Plan): string[] {
  const needed = steps.filter(
    (step) => step.kind === 'agent' && step.forEach === undefined && step.when === undefined && step.onUpstream !== 'one_failed',
  )
  if (maxStepRuns === undefined || maxStepRuns >= needed.length) return []
  return [`budget.maxStepRuns must be at least ${needed.length}, one run for each step, got ${maxStepRuns}`]
}

/** The plan's JSON Schema, for documentation and for planners that are not ours. */
export function planJsonSchema(): unknown {
  return z.toJSONSchema(planSchema, { io: 'input' })
}
