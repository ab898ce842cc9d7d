import type { JsonValue } from '@cidadao/contracts'
import type { ApprovalStep } from '../../plan/plan.ts'
import type { StepFailure } from './run-messages.ts'

/** What a person said about an approval. */
export interface ApprovalDecision {
  readonly approved: boolean
  /** Who decided. */
  readonly by: string
  readonly comment?: string | undefined
}

export type ApprovalEnding =
  { readonly status: 'completed'; readonly output: JsonValue } | { readonly status: 'failed'; readonly failure: StepFailure }

/** How an approval step ends, given a decision or that nobody answered in time. */
export function approvalEnding(step: ApprovalStep, answer: ApprovalDecision | 'timed_out'): ApprovalEnding {
  const timedOut = answer === 'timed_out'
  const approved = timedOut ? step.onTimeout === 'approve' : answer.approved
  if (!approved && step.onRefusal === 'fail') return { status: 'failed', failure: timedOut ? timeout(step) : REFUSED }
  const said = timedOut ? { by: null, comment: null } : { by: answer.by, comment: answer.comment ?? null }
  return { status: 'completed', output: { approved, ...said, answered: !timedOut } }
}

const REFUSED: StepFailure = { code: 'ORCHESTRATOR_APPROVAL_REFUSED', message: 'the approval was refused' }

function timeout({ timeoutMs }: ApprovalStep): StepFailure {
  return { code: 'ORCHESTRATOR_APPROVAL_TIMED_OUT', message: `nobody answered within ${timeoutMs} ms` }
}
