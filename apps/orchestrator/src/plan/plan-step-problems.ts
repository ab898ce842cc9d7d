import type { AgentStep, PlanStep } from './plan.ts'

export interface StepSurroundings {
  readonly knownAgents: ReadonlySet<string>
  /** The steps that come before each step of the plan. */
  readonly before: ReadonlyMap<string, ReadonlySet<string>>
}

/** What is wrong with a step of a plan whose shape is right. */
export function stepProblems(step: PlanStep, around: StepSurroundings): string[] {
  const problems = [
    ...dependencyProblems(step, around),
    ...inputProblems(step, around),
    ...referenceProblem(step, 'when', step.when?.from, around),
  ]
  const more = step.kind === 'agent' ? agentProblems(step, around) : []
  return [...more, ...problems].map((problem) => `step ${step.id}: ${problem}`)
}

function dependencyProblems({ dependsOn }: PlanStep, { before }: StepSurroundings): string[] {
  return dependsOn.flatMap((id, at) => {
    if (!before.has(id)) return [`depends on "${id}", which is no step of the plan`]
    return dependsOn.indexOf(id) === at ? [] : [`names "${id}" twice in dependsOn`]
  })
}

function inputProblems(step: PlanStep, around: StepSurroundings): string[] {
  const isFanOut = step.kind === 'agent' && step.forEach !== undefined
  return Object.entries(step.inputs).flatMap(([name, input]) => {
    if ('from' in input) return referenceProblem(step, `input "${name}"`, input.from, around)
    return 'item' in input && !isFanOut ? [`input "${name}" is an item, and the step has no forEach`] : []
  })
}

function referenceProblem(step: PlanStep, what: string, from: string | undefined, { before }: StepSurroundings): string[] {
  if (from === undefined || before.get(step.id)?.has(from) === true) return []
  return [`${what} comes from a step that dependsOn does not name, directly or through others: "${from}"`]
}

function agentProblems(step: AgentStep, around: StepSurroundings): string[] {
  const { agent, retry, forEach, mayReplan } = step
  return [
    ...(around.knownAgents.has(agent) ? [] : [`no agent is called "${agent}"`]),
    ...(retry.initialMs > retry.maxMs ? [`retry.initialMs must be at most retry.maxMs = ${retry.maxMs}, got ${retry.initialMs}`] : []),
    ...referenceProblem(step, 'forEach', forEach?.from, around),
    ...(forEach !== undefined && mayReplan ? ['a step with forEach cannot have mayReplan: its items would append the same steps'] : []),
  ]
}
