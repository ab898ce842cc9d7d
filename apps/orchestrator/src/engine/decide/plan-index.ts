import type { Plan, PlanStep } from '../../plan/plan.ts'

/** What `decide` looks up in a plan, so that no event scans all steps. */
export interface PlanIndex {
  readonly steps: ReadonlyMap<string, PlanStep>
  /** Steps that wait for a step. */
  readonly dependents: ReadonlyMap<string, readonly string[]>
  /** Steps whose output a condition or a list refers to. */
  readonly referenced: ReadonlySet<string>
}

export function indexPlan(plan: Plan): PlanIndex {
  const dependents = new Map<string, string[]>()
  for (const { id, dependsOn } of plan.steps) {
    for (const upstream of dependsOn) {
      const known = dependents.get(upstream)
      if (known === undefined) dependents.set(upstream, [id])
      else known.push(id)
    }
  }
  return { steps: new Map(plan.steps.map((step) => [step.id, step])), dependents, referenced: referencedOutputs(plan) }
}

/** Steps whose output `decide` needs to be told. Where steps may be appended these are all: they may refer to any. */
export function referencedOutputs(plan: Plan): ReadonlySet<string> {
  const mayGrow = plan.steps.some((step) => step.kind === 'agent' && step.mayReplan)
  if (mayGrow) return new Set(plan.steps.map(({ id }) => id))
  return new Set(
    plan.steps.flatMap(({ when, ...step }) => [when?.from, step.kind === 'agent' ? step.forEach?.from : undefined]).filter(isText),
  )
}

function isText(value: string | undefined): value is string {
  return value !== undefined
}

/** The id of the step that an item belongs to, and the item's place in the list. */
export interface ItemOf {
  readonly stepId: string
  readonly item: number
}

/** `prices#3` → step `prices`, item 3; undefined for what is no item of a fan-out. */
export function toItem(stepId: string): ItemOf | undefined {
  const at = stepId.indexOf('#')
  return at < 0 ? undefined : { stepId: stepId.slice(0, at), item: Number(stepId.slice(at + 1)) }
}

/** Items are steps of their own, with ids that no step of a plan can have. */
export function itemId(stepId: string, item: number): string {
  return `${stepId}#${item}`
}
