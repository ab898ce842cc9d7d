import { PlanInvalidError } from '../errors.ts'
import type { Plan } from './plan.ts'
import { validatePlan } from './validate-plan.ts'

/** Steps that the result of a step appends to the plan. Not trusted. */
export interface Appendix {
  /** The step whose result it is. */
  readonly by: string
  readonly steps: readonly unknown[]
  /** Whose output becomes the result of the investigation. @default as before */
  readonly resultStep?: unknown
}

export interface RevisionLimits {
  readonly knownAgents: ReadonlySet<string>
  /** Runs of agents so far. */
  readonly stepRuns: number
}

/**
 * The plan with more steps: the whole of it is validated like any other, and what is there stays as it is.
 *
 * @throws PlanInvalidError
 */
export function revisePlan(plan: Plan, appendix: Appendix, limits: RevisionLimits): Plan {
  const { by, steps, resultStep } = appendix
  const step = plan.steps.find(({ id }) => id === by)
  if (step?.kind !== 'agent' || !step.mayReplan) throw new PlanInvalidError([`step ${by}: it appends steps without mayReplan`])
  const left = (plan.budget.maxStepRuns ?? Number.POSITIVE_INFINITY) - limits.stepRuns
  if (steps.length > left)
    throw new PlanInvalidError([`step ${by}: it appends ${steps.length} steps, and budget.maxStepRuns leaves ${left} runs`])
  const candidate = {
    ...plan,
    ...(resultStep === undefined ? {} : { resultStep }),
    steps: [...plan.steps, ...steps],
    revisions: [...plan.revisions, { by, steps: steps.map(idOf) }],
  }
  return validatePlan(candidate, limits.knownAgents)
}

function idOf(step: unknown): unknown {
  return (step as { readonly id?: unknown } | null)?.id
}
