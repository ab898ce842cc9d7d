import type { Mechanism } from './fake-server.ts'
import type { Schedule, Step } from './schedule.ts'
import { simulate } from './simulate.ts'

/** Leaves out steps, larger parts first, as long as a guarantee is still broken. */
export async function shrink(schedule: Schedule, switchedOff: ReadonlySet<Mechanism> = new Set()): Promise<Schedule> {
  const fails = async (steps: readonly Step[]): Promise<boolean> =>
    (await simulate({ ...schedule, steps }, { switchedOff })).violations.length > 0
  let steps = schedule.steps
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < steps.length;) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)]
      if (await fails(fewer)) steps = fewer
      else at += size
    }
  }
  return { ...schedule, steps }
}
