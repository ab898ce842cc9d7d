import type { JsonObject, JsonValue } from '@cidadao/contracts'
import { toStoredJson } from '../investigations/stored-values.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import { openRunQuery } from './open-run-sql.ts'
import type { StepStatus } from './run-records.ts'

export const RUN_STOP_REASONS = ['cancelled', 'timed_out'] as const
export type RunStopReason = (typeof RUN_STOP_REASONS)[number]

/** An investigation that the durable engine has in its hands. */
export interface OpenRun {
  readonly id: string
  readonly status: string
  readonly owner: string | null
  readonly createdAt: Date
  readonly stopReason: RunStopReason | null
  readonly planRevision: number
}

export interface OpenStep {
  readonly stepId: string
  readonly agent: string
  readonly agentVersion: string
  readonly status: StepStatus
  readonly attempt: number
  /** The job that does it; null where none does. */
  readonly jobId: string | null
  /** When it is to go on, being a step that waits for a time or a person. */
  readonly dueAt: Date | null
}

export interface StepClaim {
  readonly stepId: string
  readonly jobId: string
  /** Number of this try; an equal or lower stored one gives way. */
  readonly attempt: number
}

export interface EndedStep {
  readonly stepId: string
  /** The stored try; another one fences it. */
  readonly attempt: number
  readonly status: Exclude<StepStatus, 'pending' | 'running'>
  readonly result?: JsonValue
  readonly error?: JsonObject
  readonly inputHash?: string
}

export interface StepAssignment {
  readonly stepId: string
  /** @default as it is */
  readonly status?: 'pending' | 'running'
  readonly jobId: string | null
  readonly dueAt: Date | null
}

interface IdRow {
  readonly id: string
}

/** What the durable engine keeps of its runs. Made over a transaction's `sql`, or over the database's for what stands alone. */
export class OpenRuns {
  readonly #sql: SqlExecutor

  constructor(sql: SqlExecutor) {
    this.#sql = sql
  }

  async open(id: string, deadlineAt: Date): Promise<void> {
    await this.#sql.query(openRunQuery('open', [id, deadlineAt]))
  }

  /** Locks the investigation to the end of the transaction; undefined where it is not, or no longer, open. */
  async lock(id: string): Promise<OpenRun | undefined> {
    const { rows } = await this.#sql.query<{
      id: string
      status: string
      user_id: string | null
      created_at: Date
      stop_reason: RunStopReason | null
      plan_revision: number
    }>(openRunQuery('lock', [id]))
    const row = rows[0]
    if (row === undefined) return undefined
    const { status, user_id: owner, created_at: createdAt, stop_reason: stopReason, plan_revision: planRevision } = row
    return { id, status, owner, createdAt, stopReason, planRevision }
  }

  async steps(id: string): Promise<readonly OpenStep[]> {
    const { rows } = await this.#sql.query<{
      step_id: string
      agent: string
      agent_version: string
      status: StepStatus
      attempt: number
      job_id: string | null
      due_at: Date | null
    }>(openRunQuery('steps', [id]))
    return rows.map((row) => ({
      stepId: row.step_id,
      agent: row.agent,
      agentVersion: row.agent_version,
      status: row.status,
      attempt: row.attempt,
      jobId: row.job_id,
      dueAt: row.due_at,
    }))
  }

  /** Results of those of the steps that completed. */
  async results(id: string, stepIds: readonly string[]): Promise<ReadonlyMap<string, JsonValue>> {
    if (stepIds.length === 0) return new Map()
    const { rows } = await this.#sql.query<{ step_id: string; result: JsonValue }>(openRunQuery('results', [id, stepIds]))
    return new Map(rows.map((row) => [row.step_id, row.result]))
  }

  /** Marks a step as running in this try; false where it has ended, or belongs to another job or a later try. */
  async claim(id: string, { stepId, jobId, attempt }: StepClaim): Promise<boolean> {
    const { rows } = await this.#sql.query(openRunQuery('claim', [id, stepId, attempt, jobId]))
    return rows.length > 0
  }

  /** Pending becomes processing; false where it was that already. */
  async begin(id: string): Promise<boolean> {
    return (await this.#sql.query(openRunQuery('begin', [id]))).rows.length > 0
  }

  /** Ids of the steps that ended by this: those of another try, or ended before, are left as they are. */
  async endSteps(id: string, steps: readonly EndedStep[]): Promise<ReadonlySet<string>> {
    if (steps.length === 0) return new Set()
    const given = steps.map(({ stepId, attempt, status, result, error, inputHash }) => {
      if (result !== undefined) toStoredJson('result', result)
      return { step_id: stepId, attempt, status, result, error, input_hash: inputHash }
    })
    const { rows } = await this.#sql.query<{ step_id: string }>(openRunQuery('end-steps', [id, JSON.stringify(given)]))
    return new Set(rows.map((row) => row.step_id))
  }

  async assign(id: string, steps: readonly StepAssignment[]): Promise<void> {
    if (steps.length === 0) return
    const given = steps.map(({ stepId, status, jobId, dueAt }) => ({ step_id: stepId, status, job_id: jobId, due_at: dueAt }))
    await this.#sql.query(openRunQuery('assign', [id, JSON.stringify(given)]))
  }

  /** Appends events in order. The investigation must be locked. */
  async log(id: string, events: readonly { readonly type: string; readonly data: JsonObject }[]): Promise<void> {
    if (events.length > 0) await this.#sql.query(openRunQuery('log', [id, toStoredJson('events', events)]))
  }

  /** The first reason stays. */
  async stop(id: string, reason: RunStopReason): Promise<void> {
    await this.#sql.query(openRunQuery('stop', [id, reason]))
  }

  async close(id: string): Promise<void> {
    await this.#sql.query(openRunQuery('close', [id]))
  }

  /** Those of the runs that are to stop. */
  async stopped(ids: readonly string[]): Promise<readonly string[]> {
    return ids.length === 0 ? [] : this.#ids(openRunQuery('stopped', [ids]))
  }

  /** Runs that took longer than they may, and were not told so yet. */
  overdue(limit: number): Promise<readonly string[]> {
    return this.#ids(openRunQuery('overdue', [limit]))
  }

  /** Steps whose pause, or whose wait for a person, is over. */
  async dueSteps(limit: number): Promise<readonly { readonly id: string; readonly stepId: string }[]> {
    const { rows } = await this.#sql.query<{ investigation_id: string; step_id: string }>(openRunQuery('due-steps', [limit]))
    return rows.map((row) => ({ id: row.investigation_id, stepId: row.step_id }))
  }

  /** Runs that nobody has looked at for so long; by this they are looked at. */
  takeUnseen(olderThanMs: number, limit: number): Promise<readonly string[]> {
    return this.#ids(openRunQuery('take-unseen', [olderThanMs, limit]))
  }

  async count(): Promise<number> {
    return (await this.#sql.query<{ open: number }>(openRunQuery('count', []))).rows[0]?.open ?? 0
  }

  async #ids(query: ReturnType<typeof openRunQuery>): Promise<readonly string[]> {
    return (await this.#sql.query<IdRow>(query)).rows.map(({ id }) => id)
  }
}
