import type { FanOut } from './fan-out.ts'
import { toItem } from './plan-index.ts'
import type { RunState } from './run-state.ts'

/** An item of a fan-out that has begun. */
export interface KnownItem {
  /** The step that it belongs to. */
  readonly stepId: string
  readonly item: number
  readonly fanOut: FanOut
}

/** Undefined for a step of the plan, and for an item of which nothing is known. */
export function itemOfState(state: RunState, stepId: string): KnownItem | undefined {
  const found = toItem(stepId)
  const fanOut = found === undefined ? undefined : state.fanOuts.get(found.stepId)
  return found === undefined || fanOut === undefined ? undefined : { ...found, fanOut }
}
