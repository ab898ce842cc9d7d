import type { JsonObject, JsonValue } from '@cidadao/contracts'
import type { DatabaseTransaction, Investigation, InvestigationResults, StepDraft, StepRecord } from '@cidadao/db'
import type { Plan, PlanStep } from '../plan/plan.ts'
import { contentHash } from './content-hash.ts'
import type { RunOutcome } from './decide.ts'
import type { StepEnding, StepFailure, StoredStep } from './run-store.ts'

/** A plan is JSON: its schema lets nothing else in, and leaves out what is not there. */
export function planToJson(plan: Plan): JsonObject {
  return plan as unknown as JsonObject
}

/** What stands in place of an agent where a person is asked. */
export const APPROVER = 'approval'

export function stepDrafts(steps: readonly PlanStep[], agentVersions: ReadonlyMap<string, string>): StepDraft[] {
  return steps.map((step) => {
    if (step.kind === 'approval') return { stepId: step.id, agent: APPROVER, agentVersion: '1' }
    return { stepId: step.id, agent: step.agent, agentVersion: agentVersions.get(step.agent) ?? '' }
  })
}

/** The engine's words → the database's, and back. */
export function toStoredStep(step: StepRecord): StoredStep {
  return {
    status: step.status,
    attempt: step.attempt,
    // Null is a result like any other where the step completed.
    result: step.status === 'completed' ? step.result : undefined,
    failure: toFailure(step),
  }
}

/** Only this package writes them. */
function toFailure({ error }: StepRecord): StepFailure | undefined {
  return error === null ? undefined : (error as unknown as StepFailure)
}

export function toStepEnd(ending: StepEnding): Parameters<DatabaseTransaction['runs']['finishStep']>[0]['end'] {
  switch (ending.status) {
    case 'completed':
      return { status: 'completed', result: ending.result }
    case 'failed':
      return { status: 'failed', error: { code: ending.failure.code, message: ending.failure.message } }
    case 'cancelled':
      return { status: 'cancelled' }
  }
}

/** For events and the audit log: hashes and codes, no results and no free text. */
export function describeEnding(ending: StepEnding): JsonObject {
  switch (ending.status) {
    case 'completed':
      return { remembered: ending.remembered, resultSha256: contentHash(ending.result) }
    case 'failed':
      return { code: ending.failure.code }
    case 'cancelled':
      return {}
  }
}

export function describeOutcome(outcome: RunOutcome): JsonObject {
  switch (outcome.status) {
    case 'completed':
      return { gaps: outcome.gaps }
    case 'error':
      return { because: outcome.because, failedSteps: outcome.failedSteps }
    case 'cancelled':
      return {}
  }
}

type OutcomeFields = Pick<Investigation, 'status' | 'errorMessage' | 'results' | 'anomaliesFound'>

export function outcomeFields(outcome: RunOutcome, steps: readonly StepRecord[], results: JsonValue | undefined): OutcomeFields {
  const kept = isResults(results) ? results : null
  const errorMessage = outcome.status === 'error' ? errorText(outcome, steps) : null
  return { status: outcome.status, errorMessage, results: kept, anomaliesFound: countAnomalies(kept) }
}

function errorText({ because }: Extract<RunOutcome, { status: 'error' }>, steps: readonly StepRecord[]): string {
  if (because === 'budget_spent') return 'the budget of the investigation is spent, and a step that everything depends on has not run'
  if (because === 'timed_out') return 'the investigation took longer than it may (CIDADAO_INVESTIGATION_TIMEOUT_MS)'
  const reasons = steps.flatMap((step) => {
    const failure = toFailure(step)
    return failure === undefined ? [] : [`${step.stepId}: ${failure.message}`]
  })
  return reasons.length === 0 ? 'a step that everything depends on did not complete' : reasons.join('; ')
}

function isResults(value: JsonValue | undefined): value is InvestigationResults {
  return typeof value === 'object' && value !== null
}

/** Findings that say more than that all is as expected. */
function countAnomalies(results: InvestigationResults | null): number {
  const findings = (results as { readonly findings?: unknown } | null)?.findings
  if (!Array.isArray(findings)) return 0
  return findings.filter((finding) => (finding as { readonly severity?: unknown }).severity !== 'info').length
}
