import { z } from 'zod'
import { PlanInvalidError } from '../errors.ts'
import { planSchema, type Plan, type PlanStep } from './plan.ts'

/**
 * Accepts a plan from any planner, the built-in templates included: shape, unique steps, known agents, references
 * that exist and are declared as dependencies, no cycle.
 *
 * @throws PlanInvalidError with every problem found, each naming step, rule and value.
 */
export function validatePlan(candidate: unknown, knownAgents: ReadonlySet<string>): Plan {
  const parsed = planSchema.safeParse(candidate)
  if (!parsed.success) throw new PlanInvalidError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  const plan = parsed.data
  const problems = [...duplicateSteps(plan), ...plan.steps.flatMap((step) => stepProblems(step, plan, knownAgents)), ...cycle(plan)]
  if (problems.length > 0) throw new PlanInvalidError(problems)
  return plan
}

function duplicateSteps(plan: Plan): string[] {
  const seen = new Set<string>()
  return plan.steps.flatMap(({ id }) => {
    if (seen.has(id)) return [`step ${id}: the id stands twice`]
    seen.add(id)
    return []
  })
}

function stepProblems(step: PlanStep, plan: Plan, knownAgents: ReadonlySet<string>): string[] {
  const ids = new Set(plan.steps.map(({ id }) => id))
  const unknownDependencies = step.dependsOn.filter((id) => !ids.has(id))
  const undeclared = Object.entries(step.inputs).filter(([, input]) => 'from' in input && !step.dependsOn.includes(input.from))
  return [
    ...(step.kind === 'approval' || knownAgents.has(step.agent) ? [] : [`step ${step.id}: no agent is called "${step.agent}"`]),
    ...unknownDependencies.map((id) => `step ${step.id}: depends on "${id}", which is no step of the plan`),
    ...undeclared.map(([name]) => `step ${step.id}: input "${name}" comes from a step that dependsOn does not name`),
  ]
}

/** Kahn's algorithm: what is left when no step without open dependencies remains lies on a cycle or behind one. */
function cycle(plan: Plan): string[] {
  const ids = new Set(plan.steps.map(({ id }) => id))
  // One that is no step is a problem of its own, and nothing waits for it in a circle.
  const open = new Map(plan.steps.map(({ id, dependsOn }) => [id, new Set(dependsOn.filter((name) => ids.has(name)))]))
  for (let free = freeStep(open); free !== undefined; free = freeStep(open)) {
    open.delete(free)
    for (const dependencies of open.values()) dependencies.delete(free)
  }
  return open.size === 0 ? [] : [`the steps ${[...open.keys()].join(', ')} wait for each other`]
}

function freeStep(open: ReadonlyMap<string, ReadonlySet<string>>): string | undefined {
  for (const [id, dependencies] of open) if (dependencies.size === 0) return id
  return undefined
}

/** The plan's JSON Schema, for documentation and for planners that are not ours. */
export function planJsonSchema(): unknown {
  return z.toJSONSchema(planSchema, { io: 'input' })
}
