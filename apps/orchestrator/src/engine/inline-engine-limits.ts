import { PlanInvalidError } from '../errors.ts'
import type { Plan, PlanStep } from '../plan/plan.ts'

/**
 * Refuses what `decide` knows and the inline engine does not carry out yet, before anything is stored.
 *
 * @throws PlanInvalidError
 */
export function requireInlinePlan(plan: Plan): void {
  const features = [
    ...plan.steps.flatMap((step) => unknownIn(step).map((feature) => `step ${step.id}: ${feature}`)),
    ...(plan.timeoutMs === undefined ? [] : ['timeoutMs']),
    ...(plan.budget.maxCost === undefined ? [] : ['budget.maxCost']),
  ]
  if (features.length > 0) throw new PlanInvalidError(features.map((feature) => `${feature} is not carried out by the inline engine`))
}

function unknownIn(step: PlanStep): string[] {
  if (step.kind === 'approval') return ['an approval']
  return [
    ...(step.forEach === undefined ? [] : ['forEach']),
    ...(step.retry.maxAttempts === 1 ? [] : ['retry']),
    ...(step.mayReplan ? ['mayReplan'] : []),
  ]
}
