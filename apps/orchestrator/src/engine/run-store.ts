import type { JsonValue } from '@cidadao/contracts'
import type { Plan } from '../plan/plan.ts'
import type { RunOutcome, StepStatus } from './decide.ts'
import type { NewRun } from './execution-engine.ts'

/** A failure as it is stored and shown: no stack, no cause. */
export interface StepFailure {
  readonly code: string
  readonly message: string
}

export type StepEnding =
  | { readonly status: 'completed'; readonly result: JsonValue; readonly remembered: boolean }
  | { readonly status: 'failed'; readonly failure: StepFailure }
  | { readonly status: 'cancelled' }

export interface StoredStep {
  readonly status: StepStatus
  readonly attempt: number
  readonly result: JsonValue | undefined
  readonly failure: StepFailure | undefined
}

export interface StoredRun {
  readonly id: string
  readonly plan: Plan
  readonly steps: ReadonlyMap<string, StoredStep>
  readonly ended: boolean
  readonly createdAt: Date
}

export interface StepStart {
  readonly runId: string
  readonly stepId: string
  readonly agent: string
  readonly agentVersion: string
  /** SHA-256, hex, of the canonical inputs. */
  readonly inputHash: string
}

/**
 * Where runs live. Every method is one transaction that changes the state, records the event and appends the audit
 * entry, or does none of it.
 */
export interface RunStore {
  create(run: NewRun, agentVersions: ReadonlyMap<string, string>): Promise<void>
  load(id: string): Promise<StoredRun | undefined>
  /** Ids of the runs that have not ended, oldest first, at most `limit`. */
  unended(limit: number): Promise<readonly string[]>
  /** pending → processing; a run already processing stays so. */
  begin(id: string): Promise<void>
  /** Marks the step running and returns the number of this attempt, which fences later ones. @throws StepFencedError when it has ended. */
  startStep(start: StepStart): Promise<number>
  /** @throws StepFencedError when a later attempt has begun, or the step has ended. */
  endStep(step: { readonly runId: string; readonly stepId: string; readonly attempt: number }, ending: StepEnding): Promise<void>
  skipStep(runId: string, stepId: string, because: string): Promise<void>
  /** Writes the final state. Does nothing when the run has already ended. */
  finish(runId: string, outcome: RunOutcome, results: JsonValue | undefined): Promise<void>
}
