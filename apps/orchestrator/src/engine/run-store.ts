import type { JsonValue } from '@cidadao/contracts'
import type { Plan } from '../plan/plan.ts'
import type { RunOutcome, StepFailure, StepStatus } from './decide.ts'
import type { NewRun } from './execution-engine.ts'

export type { StepFailure }

export type StepEnding =
  | { readonly status: 'completed'; readonly result: JsonValue; readonly remembered: boolean }
  | { readonly status: 'failed'; readonly failure: StepFailure }
  | { readonly status: 'cancelled' }

export interface StoredStep {
  readonly status: StepStatus
  /** Of the latest try; 0 before the first. */
  readonly attempt: number
  readonly result: JsonValue | undefined
  readonly failure: StepFailure | undefined
}

export interface StoredRun {
  readonly id: string
  readonly plan: Plan
  readonly steps: ReadonlyMap<string, StoredStep>
  readonly ended: boolean
  /** Somebody asked for its end, and was told that it will come. */
  readonly cancelRequested: boolean
  readonly createdAt: Date
}

/**
 * The right to carry out a run. Whoever takes it last has it; all that an earlier holder writes is refused from then
 * on, so that of two who carry out the same run exactly one gets to its end.
 */
export interface RunLease {
  readonly runId: string
  readonly token: number
}

export interface StepStart {
  readonly stepId: string
  /** One more than the stored one. */
  readonly attempt: number
  /** SHA-256, hex, of the canonical inputs. */
  readonly inputHash: string
}

/** Whether a request to cancel was stored; `ended` and `unknown`: nothing to cancel. */
export type CancelOutcome = 'requested' | 'ended' | 'unknown'

/**
 * Where runs live. Every method that writes is one transaction that changes the state, records the event and appends
 * the audit entry, or does none of it.
 */
export interface RunStore {
  /** May be called again when it is not known whether it took effect. */
  create(run: NewRun, agentVersions: ReadonlyMap<string, string>): Promise<void>
  load(id: string): Promise<StoredRun | undefined>
  /** Ids of the runs that have not ended, oldest first, at most `limit`. */
  unended(limit: number): Promise<readonly string[]>
  /** Takes the lease; the first time, pending becomes processing. @throws RunFencedError when the run has ended. */
  begin(id: string): Promise<RunLease>
  /** @throws RunFencedError when the lease is lost; so do all below. */
  startStep(lease: RunLease, start: StepStart): Promise<void>
  endStep(lease: RunLease, step: { readonly stepId: string; readonly attempt: number }, ending: StepEnding): Promise<void>
  skipStep(lease: RunLease, step: { readonly stepId: string; readonly attempt: number }, because: string): Promise<void>
  /** Writes the final state. */
  finish(lease: RunLease, outcome: RunOutcome, results: JsonValue | undefined): Promise<void>
  /** Keeps the wish, so that it outlives this process; needs no lease. */
  requestCancel(id: string): Promise<CancelOutcome>
  /** Whether the store is away or too busy, which passes: the same call may succeed later. */
  isOutage(error: Error): boolean
}
