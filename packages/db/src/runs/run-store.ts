import { ConstraintError } from '../errors/statement-errors.ts'
import { InvalidInvestigationError, InvestigationNotFoundError, StepNotFoundError } from '../errors/investigation-errors.ts'
import { requireIdentifier, requireText, toStoredJson } from '../investigations/stored-values.ts'
import type { Executors } from '../transactions/query-runner.ts'
import type {
  EventDraft,
  EventRecord,
  PlanDraft,
  PlanRecord,
  StepChange,
  StepDraft,
  StepEnd,
  StepFinish,
  StepRecord,
  StepStart,
} from './run-records.ts'
import { runQuery } from './run-sql.ts'
import { toEvent, toPlan, toStep, type EventRow, type PlanRow, type StepRow } from './run-rows.ts'
import type { SqlStatement } from '../sql-executor.ts'

export interface EventRange {
  /** Only events after this one. @default 0 */
  readonly afterSeq?: number
  /** Most events, 1 to 1,000. @default 200 */
  readonly limit?: number
}

const DEFAULT_EVENT_LIMIT = 200
const MAX_EVENT_LIMIT = 1_000

/**
 * What the orchestrator keeps of a run: plans, steps and progress.
 *
 * A transaction that touches an investigation and its steps takes the investigation first (`save`, `cancel`,
 * `appendEvent`), then steps: one order for all, so that no two wait for each other.
 */
export class RunStore {
  readonly #executors: Executors

  constructor(executors: Executors) {
    this.#executors = executors
  }

  /** Adds a revision. Throws `ConstraintError` where that revision exists, `InvestigationNotFoundError`. */
  async savePlan(draft: PlanDraft): Promise<PlanRecord> {
    const plan = toStoredJson('plan', draft.plan)
    requireWholeNumber('revision', draft.revision, 1)
    const query = runQuery('save-plan', [draft.investigationId, draft.revision, plan])
    const row = await this.#insertInto<PlanRow>(draft.investigationId, query)
    return toPlan(row)
  }

  /** A revision, or the newest one; undefined where there is none. */
  async getPlan(investigationId: string, revision?: number): Promise<PlanRecord | undefined> {
    const query = runQuery('get-plan', [investigationId, revision ?? null])
    const { rows } = await this.#executors.idempotent.query<PlanRow>(query)
    return rows[0] === undefined ? undefined : toPlan(rows[0])
  }

  /** Adds steps as pending. Those that exist keep their state; while still pending, agent and input are brought up to date. */
  async upsertSteps(investigationId: string, steps: readonly StepDraft[]): Promise<readonly StepRecord[]> {
    const distinct = new Set(steps.map(({ stepId }) => stepId))
    if (distinct.size !== steps.length) throw new InvalidInvestigationError('steps', 'must not name the same step twice')
    const query = runQuery('upsert-steps', [investigationId, JSON.stringify(steps.map(toStepInput))])
    const { rows } = await this.#mustFind(investigationId, () => this.#executors.idempotent.query<StepRow>(query))
    return rows.map(toStep)
  }

  /** Marks a step as running in this try. A step that ended, or that a later try holds, is not ours: `stale`. */
  async startStep(start: StepStart): Promise<StepChange> {
    requireWholeNumber('attempt', start.attempt, 1)
    const { investigationId, stepId, attempt, inputHash } = start
    const values = [investigationId, stepId, attempt, inputHash === undefined ? null : requireHash(inputHash)]
    return this.#change(investigationId, stepId, runQuery('start-step', values))
  }

  /** Ends a step, once. Only the try that holds it may: a late result of an earlier try is `stale` and changes nothing. */
  async finishStep(finish: StepFinish): Promise<StepChange> {
    requireWholeNumber('attempt', finish.attempt, 0)
    const { investigationId, stepId, attempt, end } = finish
    const values = [investigationId, stepId, attempt, end.status, ...outputOf(end)]
    return this.#change(investigationId, stepId, runQuery('finish-step', values))
  }

  /** All steps of an investigation, by name; none where there is no such investigation. */
  async listSteps(investigationId: string): Promise<readonly StepRecord[]> {
    const query = runQuery('list-steps', [investigationId])
    const { rows } = await this.#executors.idempotent.query<StepRow>(query)
    return rows.map(toStep)
  }

  /** Adds an event. Throws `InvestigationNotFoundError`. */
  async appendEvent(draft: EventDraft): Promise<EventRecord> {
    const data = toStoredJson('data', draft.data ?? {})
    const type = requireIdentifier('type', draft.type, 100)
    const query = runQuery('append-event', [draft.investigationId, type, data])
    const { rows } = await this.#executors.once.query<EventRow>(query)
    if (rows[0] === undefined) throw new InvestigationNotFoundError(draft.investigationId)
    return toEvent(rows[0])
  }

  /** Events in order; go on after the last one's `seq`. */
  async listEvents(investigationId: string, range: EventRange = {}): Promise<readonly EventRecord[]> {
    const { afterSeq = 0, limit = DEFAULT_EVENT_LIMIT } = range
    requireWholeNumber('afterSeq', afterSeq, 0)
    if (requireWholeNumber('limit', limit, 1) > MAX_EVENT_LIMIT)
      throw new InvalidInvestigationError('limit', `must be at most ${MAX_EVENT_LIMIT}`)
    const query = runQuery('list-events', [investigationId, afterSeq, limit])
    const { rows } = await this.#executors.idempotent.query<EventRow>(query)
    return rows.map(toEvent)
  }

  async #change(investigationId: string, stepId: string, query: SqlStatement): Promise<StepChange> {
    const { rows } = await this.#executors.once.query<StepRow>(query)
    if (rows[0] !== undefined) return { outcome: 'changed', step: toStep(rows[0]) }
    const get = runQuery('get-step', [investigationId, stepId])
    const current = (await this.#executors.idempotent.query<StepRow>(get)).rows[0]
    if (current === undefined) throw new StepNotFoundError(investigationId, stepId)
    return { outcome: 'stale', step: toStep(current) }
  }

  async #insertInto<Row extends PlanRow>(investigationId: string, query: SqlStatement): Promise<Row> {
    const { rows } = await this.#mustFind(investigationId, () => this.#executors.once.query<Row>(query))
    if (rows[0] === undefined) throw new InvestigationNotFoundError(investigationId)
    return rows[0]
  }

  async #mustFind<T>(investigationId: string, insert: () => Promise<T>): Promise<T> {
    try {
      return await insert()
    } catch (error) {
      if (error instanceof ConstraintError && error.facts.kind === 'foreign-key') throw new InvestigationNotFoundError(investigationId)
      throw error
    }
  }
}

function outputOf(end: StepEnd): readonly [string | null, string | null] {
  switch (end.status) {
    case 'completed':
      return [toStoredJson('result', end.result), null]
    case 'failed':
      return [null, toStoredJson('error', end.error)]
    case 'skipped':
    case 'cancelled':
      return [null, null]
  }
}

function toStepInput(step: StepDraft): Readonly<Record<string, string | null>> {
  return {
    step_id: requireIdentifier('stepId', step.stepId, 100),
    agent: requireIdentifier('agent', step.agent, 100),
    agent_version: requireText('agentVersion', step.agentVersion, { maxLength: 50 }),
    input_hash: step.inputHash === undefined || step.inputHash === null ? null : requireHash(step.inputHash),
  }
}

function requireHash(inputHash: string): string {
  if (!/^[0-9a-f]{64}$/.test(inputHash)) throw new InvalidInvestigationError('inputHash', 'must be a SHA-256 in lower-case hexadecimal')
  return inputHash
}

function requireWholeNumber(field: string, value: number, min: number): number {
  if (!Number.isSafeInteger(value) || value < min) throw new InvalidInvestigationError(field, `must be an integer of at least ${min}`)
  return value
}
