import type { JsonValue } from '@cidadao/contracts'
import type { Plan } from '../../plan/plan.ts'
import type { SkipReason } from './run-state.ts'

/** A failure as it is stored and shown: no stack, no cause. */
export interface StepFailure {
  readonly code: string
  readonly message: string
}

/** What happened. `stepId` may be an item of a fan-out, `prices#3`. An event about a step that has ended changes nothing. */
export type RunEvent =
  /** The run begins, or is taken up again: everything is looked at anew. */
  | { readonly type: 'submitted' }
  | { readonly type: 'step_started'; readonly stepId: string }
  /** A fan-out knows its items. */
  | { readonly type: 'step_expanded'; readonly stepId: string; readonly items: number }
  /** All items of a fan-out have ended, and their outcomes are being put together. */
  | { readonly type: 'step_collecting'; readonly stepId: string }
  | {
      readonly type: 'step_ended'
      readonly stepId: string
      readonly status: 'completed' | 'failed' | 'skipped' | 'cancelled'
      /** Of a completed step that `referencedOutputs` names; others may be left out. */
      readonly output?: JsonValue | undefined
      /** Units that the agent says the step cost. */
      readonly cost?: number | undefined
      /** Of a skipped step. */
      readonly reason?: SkipReason | undefined
    }
  /** One try failed. Whether another follows is decided here. */
  | {
      readonly type: 'step_failed'
      readonly stepId: string
      readonly attempt: number
      readonly failure: StepFailure
      /** Whether it may well work another time. */
      readonly transient: boolean
      readonly cost?: number | undefined
    }
  /** The pause that `wait_retry` asked for is over. */
  | { readonly type: 'retry_due'; readonly stepId: string }
  | {
      readonly type: 'approval_given'
      readonly stepId: string
      readonly approved: boolean
      readonly by: string
      readonly comment?: string | undefined
    }
  | { readonly type: 'approval_timed_out'; readonly stepId: string }
  /** Steps were appended; the plan has been validated. Comes before the end of the step that appended them. */
  | { readonly type: 'plan_revised'; readonly plan: Plan; readonly revision: number }
  | { readonly type: 'cancel_requested' }
  /** The run took longer than it may; whoever watches the clock says so. */
  | { readonly type: 'timed_out' }

export type RunCommand =
  | { readonly type: 'start_step'; readonly stepId: string }
  /** Where tries failed: begin the next one in `afterMs`, by saying `retry_due`. */
  | { readonly type: 'wait_retry'; readonly stepId: string; readonly afterMs: number }
  /** Ask a person; say `approval_given`, or after `timeoutMs` `approval_timed_out`. No worker waits. */
  | { readonly type: 'ask_approval'; readonly stepId: string; readonly timeoutMs: number }
  /** Store that the step has begun with so many items. Those to start first come as commands of their own. */
  | { readonly type: 'expand_step'; readonly stepId: string; readonly items: number }
  /** Put the outcomes of all items together, store them as the step's result, and say `step_ended`. */
  | { readonly type: 'collect_step'; readonly stepId: string; readonly items: number }
  | { readonly type: 'skip_step'; readonly stepId: string; readonly reason: SkipReason; readonly because: string }
  /** Store that the step failed, although no agent did. */
  | { readonly type: 'fail_step'; readonly stepId: string; readonly failure: StepFailure }
  /** An agent works on it: stop that, and say `step_ended`. */
  | { readonly type: 'abort_step'; readonly stepId: string }
  /** Nothing works on it: store that it is cancelled. */
  | { readonly type: 'cancel_step'; readonly stepId: string }
  | { readonly type: 'finish'; readonly outcome: RunOutcome }

/** Why an investigation ends as an error. */
export const ERROR_CAUSES = ['steps_failed', 'timed_out', 'budget_spent'] as const
export type ErrorCause = (typeof ERROR_CAUSES)[number]

/** `gaps`: steps without a result, and fan-outs in which an item has none. */
export type RunOutcome =
  | { readonly status: 'completed'; readonly gaps: readonly string[] }
  | { readonly status: 'error'; readonly because: ErrorCause; readonly failedSteps: readonly string[] }
  | { readonly status: 'cancelled' }

/** What has happened once `command` is carried out; undefined where that comes later, as an event of its own. */
export function eventOf(command: RunCommand): RunEvent | undefined {
  switch (command.type) {
    case 'start_step':
    case 'ask_approval':
      return { type: 'step_started', stepId: command.stepId }
    case 'expand_step':
      return { type: 'step_expanded', stepId: command.stepId, items: command.items }
    case 'collect_step':
      return { type: 'step_collecting', stepId: command.stepId }
    case 'skip_step':
      return { type: 'step_ended', stepId: command.stepId, status: 'skipped', reason: command.reason }
    case 'fail_step':
      return { type: 'step_ended', stepId: command.stepId, status: 'failed' }
    case 'cancel_step':
      return { type: 'step_ended', stepId: command.stepId, status: 'cancelled' }
    case 'wait_retry':
    case 'abort_step':
    case 'finish':
      return undefined
  }
}
