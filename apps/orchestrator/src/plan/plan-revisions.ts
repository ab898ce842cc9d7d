import type { Plan } from './plan.ts'

/** What is wrong with the history of a plan: who appended what, how deep and how often. */
export function revisionProblems(plan: Plan): string[] {
  const { maxRevisions, maxDepth, maxSteps } = plan.replanning
  const depths = new Map<string, number>()
  const problems: string[] = []
  for (const { by, steps } of plan.revisions) {
    const author = plan.steps.find(({ id }) => id === by)
    if (author?.kind !== 'agent' || !author.mayReplan) problems.push(`revisions: "${by}" is no step with mayReplan`)
    const depth = (depths.get(by) ?? 0) + 1
    if (depth > maxDepth) problems.push(`step ${by}: what it appends lies ${depth} deep, and replanning.maxDepth is ${maxDepth}`)
    for (const id of steps) {
      if (depths.has(id) || !plan.steps.some((step) => step.id === id))
        problems.push(`revisions: "${id}" is no step, or was appended before`)
      depths.set(id, depth)
    }
  }
  if (plan.revisions.length > maxRevisions)
    problems.push(`revisions: ${plan.revisions.length}, and replanning.maxRevisions is ${maxRevisions}`)
  if (depths.size > maxSteps) problems.push(`revisions: ${depths.size} steps appended, and replanning.maxSteps is ${maxSteps}`)
  return problems
}
