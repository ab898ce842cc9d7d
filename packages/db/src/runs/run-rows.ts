import type { JsonObject, JsonValue } from '@cidadao/contracts'
import { UnexpectedDatabaseError } from '../errors/database-error.ts'
import { toSafeInteger } from '../investigations/investigation-row.ts'
import { STEP_STATUSES, type EventRecord, type PlanRecord, type StepRecord, type StepStatus } from './run-records.ts'

export interface PlanRow {
  readonly investigation_id: string
  readonly revision: number
  readonly plan: JsonObject
  readonly created_at: Date
}

export interface StepRow {
  readonly investigation_id: string
  readonly step_id: string
  readonly agent: string
  readonly agent_version: string
  readonly status: string
  readonly attempt: number
  readonly input_hash: string | null
  readonly result: JsonValue | null
  readonly error: JsonObject | null
  readonly started_at: Date | null
  readonly finished_at: Date | null
}

export interface EventRow {
  readonly seq: string
  readonly investigation_id: string
  readonly type: string
  readonly data: JsonObject
  readonly created_at: Date
}

export const PLAN_COLUMNS = 'investigation_id, revision, plan, created_at'
export const STEP_COLUMNS =
  'investigation_id, step_id, agent, agent_version, status, attempt, input_hash, result, error, started_at, finished_at'
export const EVENT_COLUMNS = 'seq, investigation_id, type, data, created_at'

export function toPlan(row: PlanRow): PlanRecord {
  return Object.freeze({ investigationId: row.investigation_id, revision: row.revision, plan: row.plan, createdAt: row.created_at })
}

export function toStep(row: StepRow): StepRecord {
  return Object.freeze({
    investigationId: row.investigation_id,
    stepId: row.step_id,
    agent: row.agent,
    agentVersion: row.agent_version,
    status: toStepStatus(row.status),
    attempt: row.attempt,
    inputHash: row.input_hash,
    result: row.result,
    error: row.error,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  })
}

export function toEvent(row: EventRow): EventRecord {
  return Object.freeze({
    seq: toSafeInteger('seq', row.seq),
    investigationId: row.investigation_id,
    type: row.type,
    data: row.data,
    createdAt: row.created_at,
  })
}

function toStepStatus(text: string): StepStatus {
  const status = STEP_STATUSES.find((known) => known === text)
  if (status === undefined) throw new UnexpectedDatabaseError(`a step has the unknown status "${text}"`, { facts: { status: text } })
  return status
}
