import type { JsonObject, JsonValue } from '@cidadao/contracts'
import type { AuditEntry, EndedStep, OpenStep, StepAssignment } from '@cidadao/db'
import { advance, type RunCommand, type RunEvent, type RunOutcome, type RunState } from '../decide.ts'

/** All that one transaction changes of a run. */
export interface AdvanceWrites {
  readonly ended: EndedStep[]
  readonly assigned: StepAssignment[]
  /** Steps that get a job. */
  readonly started: string[]
  /** Steps to be stopped, whoever works on them. */
  readonly aborted: string[]
  readonly events: { readonly type: string; readonly data: JsonObject }[]
  readonly audit: AuditEntry[]
  outcome: RunOutcome | undefined
}

export function noWrites(): AdvanceWrites {
  return { ended: [], assigned: [], started: [], aborted: [], events: [], audit: [], outcome: undefined }
}

/** Who acts where no person and no agent does. */
export const ENGINE = { kind: 'system', component: 'engine' } as const

export interface AdvanceContext {
  readonly runId: string
  readonly steps: ReadonlyMap<string, OpenStep>
  readonly now: Date
}

/** Turns what `decide` says about an event into what is to be written; returns the state after it. */
export function writeAdvance(
  state: RunState,
  event: RunEvent,
  target: { readonly writes: AdvanceWrites; readonly context: AdvanceContext },
): RunState {
  const decision = advance(state, event)
  let after = decision.state
  const waiting: string[] = []
  for (const command of decision.commands) {
    const queued = writeCommand(command, target)
    if (queued !== undefined) waiting.push(queued)
  }
  // A step whose job nobody has taken ends at once: nobody has to be told.
  for (const stepId of waiting) after = writeAdvance(after, { type: 'step_ended', stepId, status: 'cancelled' }, target)
  return after
}

/** Returns the step where it was to be stopped and nobody works on it. */
function writeCommand(
  command: RunCommand,
  { writes, context }: { readonly writes: AdvanceWrites; readonly context: AdvanceContext },
): string | undefined {
  switch (command.type) {
    case 'start_step':
      writes.started.push(command.stepId)
      return undefined
    case 'skip_step':
      endStep(command.stepId, { status: 'skipped' }, { because: command.because }, { writes, context })
      return undefined
    case 'fail_step': {
      const { code, message } = command.failure
      endStep(command.stepId, { status: 'failed', error: { code, message } }, { code }, { writes, context })
      return undefined
    }
    case 'cancel_step':
      endStep(command.stepId, { status: 'cancelled' }, {}, { writes, context })
      return undefined
    case 'abort_step':
      if (context.steps.get(command.stepId)?.status === 'running') {
        writes.aborted.push(command.stepId)
        return undefined
      }
      endStep(command.stepId, { status: 'cancelled' }, {}, { writes, context })
      return command.stepId
    case 'wait_retry':
      wait(command.stepId, { status: 'pending', afterMs: command.afterMs }, { writes, context })
      return undefined
    case 'ask_approval':
      wait(command.stepId, { status: 'running', afterMs: command.timeoutMs }, { writes, context })
      return undefined
    case 'finish':
      writes.outcome = command.outcome
      return undefined
    case 'expand_step':
    case 'collect_step':
      throw new Error(`a fan-out reached the durable engine: ${command.stepId} of ${context.runId}`)
  }
}

type End = Pick<EndedStep, 'status' | 'error'> & { readonly result?: JsonValue; readonly inputHash?: string }

/** The end of a step, with its event and its audit entry. */
export function endStep(
  stepId: string,
  end: End,
  data: JsonObject,
  { writes, context }: { readonly writes: AdvanceWrites; readonly context: AdvanceContext },
): void {
  const step = context.steps.get(stepId)
  const attempt = step?.attempt ?? 0
  writes.ended.push({ stepId, attempt, ...end })
  const facts = { step: stepId, attempt, ...data }
  const type = `step.${end.status}`
  writes.events.push({ type, data: facts })
  const byAgent = step?.status === 'running'
  writes.audit.push({
    actor: byAgent ? { kind: 'agent', name: step.agent } : ENGINE,
    action: type,
    investigation: context.runId,
    outcome: end.status === 'failed' ? 'failure' : 'success',
    data: byAgent ? { ...facts, agentVersion: step.agentVersion } : facts,
  })
}

function wait(
  stepId: string,
  { status, afterMs }: { readonly status: 'pending' | 'running'; readonly afterMs: number },
  { writes, context }: { readonly writes: AdvanceWrites; readonly context: AdvanceContext },
): void {
  const type = status === 'pending' ? 'step.retry_scheduled' : 'step.approval_asked'
  writes.assigned.push({ stepId, status, jobId: null, dueAt: new Date(context.now.getTime() + afterMs) })
  writes.events.push({ type, data: { step: stepId, afterMs } })
  writes.audit.push({ actor: ENGINE, action: type, investigation: context.runId, data: { step: stepId, afterMs } })
}
