import type { PlanStep } from '../../plan/plan.ts'
import { conditionHolds } from './condition.ts'
import { isEnded, statusOf, type RunState, type SkipReason, type StopReason } from './run-state.ts'

export type Readiness = { readonly verdict: 'waits' | 'runs' } | { readonly verdict: 'skipped'; readonly reason: SkipReason }

const WAITS: Readiness = { verdict: 'waits' }
const RUNS: Readiness = { verdict: 'runs' }

/**
 * Whether a pending step runs now, given how the steps before it ended. The answer does not depend on the order in which
 * they ended: only a failure settles anything early, and nothing that ends later takes it back.
 */
export function readiness(state: RunState, step: PlanStep): Readiness {
  const { open, failed, unneeded } = lookUpstream(state, step)
  // One bad dependency already settles the fate of a step that wants all of them good.
  if (step.onUpstream === 'all_success' && failed) return skipped('upstream_failed')
  if (open) return WAITS
  if (step.onUpstream === 'all_success' && unneeded) return skipped('not_needed')
  if (step.onUpstream === 'one_failed' && !failed) return skipped('nothing_failed')
  if (step.when !== undefined && !conditionHolds(step.when, state.outputs)) return skipped('condition_false')
  return RUNS
}

function lookUpstream(
  state: RunState,
  { dependsOn }: PlanStep,
): { readonly open: boolean; readonly failed: boolean; readonly unneeded: boolean } {
  let open = false
  let failed = false
  let unneeded = false
  for (const id of dependsOn) {
    const status = statusOf(state, id)
    if (!isEnded(status)) open = true
    else if (state.unneeded.has(id)) unneeded = true
    else if (status !== 'completed') failed = true
  }
  return { open, failed, unneeded }
}

function skipped(reason: SkipReason): Readiness {
  return { verdict: 'skipped', reason }
}

const WHY_SKIPPED: Readonly<Record<Exclude<SkipReason, 'stopped'>, string>> = {
  upstream_failed: 'a step before it did not complete',
  condition_false: 'its condition does not hold',
  nothing_failed: 'nothing before it failed',
  not_needed: 'a step before it was not needed',
  budget_spent: 'the budget of the investigation is spent',
}

/** For people. */
export function whySkipped(reason: SkipReason, stopped: StopReason | undefined): string {
  if (reason !== 'stopped') return WHY_SKIPPED[reason]
  return stopped === 'timed_out' ? 'the investigation took longer than it may' : 'the investigation was cancelled'
}
