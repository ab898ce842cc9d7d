import type { Plan } from './plan.ts'

/** The steps that come before each step, however many lie between; a step on a cycle comes before itself. */
export function reachableFrom(plan: Plan): ReadonlyMap<string, ReadonlySet<string>> {
  const direct = new Map(plan.steps.map(({ id, dependsOn }) => [id, dependsOn]))
  return new Map([...direct.keys()].map((id) => [id, walk(direct, id)]))
}

function walk(direct: ReadonlyMap<string, readonly string[]>, start: string): ReadonlySet<string> {
  const seen = new Set<string>()
  const open = [...(direct.get(start) ?? [])]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id) || !direct.has(id)) continue
    seen.add(id)
    open.push(...(direct.get(id) ?? []))
  }
  return seen
}

/** Kahn's algorithm: what is left when no step without open dependencies remains lies on a cycle or behind one. */
export function cycleIn(plan: Plan): readonly string[] | undefined {
  const ids = new Set(plan.steps.map(({ id }) => id))
  // One that is no step is a problem of its own, and nothing waits for it in a circle.
  const open = new Map(plan.steps.map(({ id, dependsOn }) => [id, new Set(dependsOn.filter((name) => ids.has(name)))]))
  for (let free = freeStep(open); free !== undefined; free = freeStep(open)) {
    open.delete(free)
    for (const dependencies of open.values()) dependencies.delete(free)
  }
  return open.size === 0 ? undefined : [...open.keys()]
}

function freeStep(open: ReadonlyMap<string, ReadonlySet<string>>): string | undefined {
  for (const [id, dependencies] of open) if (dependencies.size === 0) return id
  return undefined
}
