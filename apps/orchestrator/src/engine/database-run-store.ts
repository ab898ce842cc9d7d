import { createHash } from 'node:crypto'
import type { Clock, JsonObject, JsonValue } from '@cidadao/contracts'
import {
  isTerminal,
  type Database,
  type DatabaseTransaction,
  type Investigation,
  type InvestigationPage,
  type InvestigationResults,
  type StepRecord,
} from '@cidadao/db'
import { StepFencedError } from '../errors.ts'
import { planSchema } from '../plan/plan.ts'
import type { RunOutcome } from './decide.ts'
import type { NewRun } from './execution-engine.ts'
import type { RunStore, StepEnding, StepFailure, StepStart, StoredRun, StoredStep } from './run-store.ts'

/** What the store needs of the database. */
export type RunDatabase = Pick<Database, 'transaction' | 'investigations' | 'runs'>

interface StepAttempt {
  readonly runId: string
  readonly stepId: string
  readonly attempt: number
}

const ENGINE = { kind: 'system', component: 'engine' } as const
const PAGE_SIZE = 500

/**
 * Runs in PostgreSQL. Each method changes state, event and audit log in one transaction, and can be repeated when it is
 * not known whether the commit took effect: what it finds done it does not do again.
 */
export class DatabaseRunStore implements RunStore {
  readonly #db: RunDatabase
  readonly #clock: Clock

  constructor(db: RunDatabase, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  async create(run: NewRun, agentVersions: ReadonlyMap<string, string>): Promise<void> {
    const { id, query, owner, source, plan } = run
    await this.#atomically(async (tx) => {
      if ((await tx.investigations.get(id)) !== undefined) return
      await tx.investigations.save({ id, query, userId: owner, metadata: { source, plannedBy: plan.madeBy } })
      await tx.runs.savePlan({ investigationId: id, revision: 1, plan })
      const steps = plan.steps.map((step) => ({ stepId: step.id, agent: step.agent, agentVersion: agentVersions.get(step.agent) ?? '' }))
      await tx.runs.upsertSteps(id, steps)
      await tx.runs.appendEvent({ investigationId: id, type: 'investigation.submitted', data: { steps: steps.length } })
      tx.audit({
        actor: { kind: 'human', id: owner ?? 'local' },
        action: 'investigation.submitted',
        investigation: id,
        data: { plannedBy: plan.madeBy, planSha256: sha256(plan) },
        // Free text may name people, and the log cannot forget.
        personal: { query, source },
      })
    })
  }

  async load(id: string): Promise<StoredRun | undefined> {
    const investigation = await this.#db.investigations.get(id)
    const plan = await this.#db.runs.getPlan(id)
    if (investigation === undefined || plan === undefined) return undefined
    const steps = await this.#db.runs.listSteps(id)
    return {
      id,
      plan: planSchema.parse(plan.plan),
      steps: new Map(steps.map((step) => [step.stepId, toStoredStep(step)])),
      ended: isTerminal(investigation.status),
      createdAt: investigation.createdAt,
    }
  }

  async unended(limit: number): Promise<readonly string[]> {
    const found: Investigation[] = []
    let after: string | null = null
    do {
      const page: InvestigationPage = await this.#db.investigations.find({
        status: ['pending', 'processing'],
        limit: PAGE_SIZE,
        ...(after === null ? {} : { after }),
      })
      found.push(...page.items)
      after = page.next
    } while (after !== null)
    // They come newest first; whoever has waited longest goes first.
    return found
      .toReversed()
      .slice(0, limit)
      .map(({ id }) => id)
  }

  async begin(id: string): Promise<void> {
    await this.#atomically(async (tx) => {
      const stored = await requireInvestigation(tx, id)
      if (stored.status !== 'pending') return
      await tx.investigations.save({ ...stored, status: 'processing' })
      await tx.runs.appendEvent({ investigationId: id, type: 'investigation.started' })
      tx.audit({ actor: ENGINE, action: 'investigation.started', investigation: id })
    })
  }

  async startStep({ runId, stepId, inputHash }: StepStart): Promise<number> {
    return this.#atomically(async (tx) => {
      // The investigation's row first, as everywhere: whoever ends the step waits for us, or we for them.
      await tx.runs.appendEvent({ investigationId: runId, type: 'step.started', data: { step: stepId } })
      const step = (await tx.runs.listSteps(runId)).find((candidate) => candidate.stepId === stepId)
      const attempt = (step?.attempt ?? 0) + 1
      const change = await tx.runs.startStep({ investigationId: runId, stepId, attempt, inputHash })
      if (change.outcome === 'stale') throw fenced({ runId, stepId, attempt }, change.step)
      return attempt
    })
  }

  async endStep(step: StepAttempt, ending: StepEnding): Promise<void> {
    await this.#atomically(async (tx) => {
      const data = { step: step.stepId, attempt: step.attempt, ...describeEnding(ending) }
      await tx.runs.appendEvent({ investigationId: step.runId, type: `step.${ending.status}`, data })
      const change = await tx.runs.finishStep({
        investigationId: step.runId,
        stepId: step.stepId,
        attempt: step.attempt,
        end: toStepEnd(ending),
      })
      if (change.outcome === 'stale') throw fenced(step, change.step)
      const { agent, agentVersion, inputHash } = change.step
      tx.audit({
        actor: { kind: 'agent', name: agent },
        action: `step.${ending.status}`,
        investigation: step.runId,
        outcome: ending.status === 'completed' ? 'success' : 'failure',
        data: { ...data, agentVersion, inputSha256: inputHash },
      })
    })
  }

  async skipStep(runId: string, stepId: string, because: string): Promise<void> {
    await this.#atomically(async (tx) => {
      await tx.runs.appendEvent({ investigationId: runId, type: 'step.skipped', data: { step: stepId, because } })
      const step = (await tx.runs.listSteps(runId)).find((candidate) => candidate.stepId === stepId)
      const attempt = step?.attempt ?? 0
      const change = await tx.runs.finishStep({ investigationId: runId, stepId, attempt, end: { status: 'skipped' } })
      if (change.outcome === 'stale') throw fenced({ runId, stepId, attempt }, change.step)
      tx.audit({ actor: ENGINE, action: 'step.skipped', investigation: runId, data: { step: stepId, because } })
    })
  }

  async finish(runId: string, outcome: RunOutcome, results: JsonValue | undefined): Promise<void> {
    await this.#atomically(async (tx) => {
      const stored = await requireInvestigation(tx, runId)
      if (isTerminal(stored.status)) return
      const steps = await tx.runs.listSteps(runId)
      const now = new Date(Math.max(this.#clock.now().getTime(), stored.createdAt.getTime()))
      await tx.investigations.save({
        ...stored,
        ...outcomeFields(outcome, steps, results),
        completedAt: now,
        processingTimeMs: now.getTime() - stored.createdAt.getTime(),
      })
      const data = { ...describeOutcome(outcome), ...(results === undefined ? {} : { resultsSha256: sha256(results) }) }
      await tx.runs.appendEvent({ investigationId: runId, type: `investigation.${outcome.status}`, data })
      tx.audit({
        actor: ENGINE,
        action: `investigation.${outcome.status}`,
        investigation: runId,
        outcome: outcome.status === 'completed' ? 'success' : 'failure',
        data,
      })
    })
  }

  #atomically<Result>(work: (tx: DatabaseTransaction) => Promise<Result>): Promise<Result> {
    return this.#db.transaction(work)
  }
}

async function requireInvestigation(tx: DatabaseTransaction, id: string): Promise<Investigation> {
  const stored = await tx.investigations.get(id)
  if (stored === undefined) throw new StepFencedError(`the investigation ${id} is gone`)
  return stored
}

function fenced({ runId, stepId, attempt }: StepAttempt, stored: StepRecord): StepFencedError {
  return new StepFencedError(`step ${stepId} of ${runId}: attempt ${attempt} is late, attempt ${stored.attempt} is ${stored.status}`, {
    facts: { investigation: runId, step: stepId, attempt },
  })
}

function toStoredStep(step: StepRecord): StoredStep {
  return {
    status: step.status,
    attempt: step.attempt,
    result: step.result ?? undefined,
    failure: step.error === null ? undefined : (step.error as unknown as StepFailure),
  }
}

function toStepEnd(ending: StepEnding): Parameters<DatabaseTransaction['runs']['finishStep']>[0]['end'] {
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
function describeEnding(ending: StepEnding): JsonObject {
  switch (ending.status) {
    case 'completed':
      return { remembered: ending.remembered, resultSha256: sha256(ending.result) }
    case 'failed':
      return { code: ending.failure.code }
    case 'cancelled':
      return {}
  }
}

function describeOutcome(outcome: RunOutcome): JsonObject {
  switch (outcome.status) {
    case 'completed':
      return { gaps: outcome.gaps }
    case 'error':
      return { failedSteps: outcome.failedSteps }
    case 'cancelled':
      return {}
  }
}

function outcomeFields(
  outcome: RunOutcome,
  steps: readonly StepRecord[],
  results: JsonValue | undefined,
): Pick<Investigation, 'status' | 'errorMessage' | 'results' | 'anomaliesFound'> {
  const kept = isResults(results) ? results : null
  const anomaliesFound = countAnomalies(kept)
  if (outcome.status !== 'error') return { status: outcome.status, errorMessage: null, results: kept, anomaliesFound }
  const reasons = steps.flatMap(({ stepId, error }) => (error === null ? [] : [`${stepId}: ${(error as unknown as StepFailure).message}`]))
  const errorMessage = reasons.length === 0 ? 'a step that everything depends on did not complete' : reasons.join('; ')
  return { status: 'error', errorMessage, results: kept, anomaliesFound }
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

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
