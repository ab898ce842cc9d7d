import type { JsonObject } from '@cidadao/contracts'
import type { RunEvent } from '../decide.ts'
import { describeEnding } from '../run-rows.ts'
import type { StepEnding } from '../run-store.ts'

/** An ending as `decide` is told of it. */
export function toEvent(stepId: string, attempt: number, ending: StepEnding, transient: boolean): RunEvent {
  if (ending.status === 'failed') return { type: 'step_failed', stepId, attempt, failure: ending.failure, transient }
  return { type: 'step_ended', stepId, status: ending.status, output: ending.status === 'completed' ? ending.result : undefined }
}

/** As event and audit entry tell it. */
export function endFacts(ending: StepEnding, inputHash: string | undefined): JsonObject {
  return { ...describeEnding(ending), ...(inputHash === undefined ? {} : { inputSha256: inputHash }) }
}
