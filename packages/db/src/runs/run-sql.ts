import { EVENT_COLUMNS, PLAN_COLUMNS, STEP_COLUMNS } from './run-rows.ts'
import type { SqlStatement } from '../sql-executor.ts'

const SAVE_PLAN = `
INSERT INTO investigation_plans (investigation_id, revision, plan) VALUES ($1, $2, $3::jsonb) RETURNING ${PLAN_COLUMNS}`

const GET_PLAN = `
SELECT ${PLAN_COLUMNS} FROM investigation_plans
WHERE investigation_id = $1 AND ($2::integer IS NULL OR revision = $2)
ORDER BY revision DESC LIMIT 1`

/** Sorted, so that two that add the same steps lock them in the same order. */
const UPSERT_STEPS = `
WITH given AS (
  SELECT step_id, agent, agent_version, input_hash
  FROM json_to_recordset($2::json) AS step (step_id text, agent text, agent_version text, input_hash text)
),
written AS (
  INSERT INTO investigation_steps AS stored (investigation_id, step_id, agent, agent_version, input_hash)
  SELECT $1, step_id, agent, agent_version, input_hash FROM given ORDER BY step_id
  ON CONFLICT (investigation_id, step_id) DO UPDATE SET
    agent = EXCLUDED.agent, agent_version = EXCLUDED.agent_version, input_hash = EXCLUDED.input_hash
  WHERE stored.status = 'pending'
  RETURNING ${STEP_COLUMNS}
)
SELECT ${STEP_COLUMNS} FROM written
UNION ALL
SELECT ${STEP_COLUMNS} FROM investigation_steps
WHERE investigation_id = $1 AND step_id IN (SELECT step_id FROM given) AND step_id NOT IN (SELECT step_id FROM written)
ORDER BY step_id`

const START_STEP = `
UPDATE investigation_steps
SET status = 'running', attempt = $3, started_at = clock_timestamp(), input_hash = COALESCE($4, input_hash)
WHERE investigation_id = $1 AND step_id = $2 AND status IN ('pending', 'running') AND attempt <= $3
RETURNING ${STEP_COLUMNS}`

const FINISH_STEP = `
UPDATE investigation_steps
SET status = $4, result = $5::jsonb, error = $6::jsonb, finished_at = clock_timestamp()
WHERE investigation_id = $1 AND step_id = $2 AND attempt = $3
  AND (status = 'running' OR (status = 'pending' AND $4 <> 'completed'))
RETURNING ${STEP_COLUMNS}`

const GET_STEP = `
SELECT ${STEP_COLUMNS} FROM investigation_steps WHERE investigation_id = $1 AND step_id = $2`

const LIST_STEPS = `
SELECT ${STEP_COLUMNS} FROM investigation_steps WHERE investigation_id = $1 ORDER BY step_id`

/**
 * The investigation's row is locked before the number is drawn. Without that, a number drawn earlier could be
 * committed later, and a reader who had gone past it would never see it.
 */
const APPEND_EVENT = `
WITH locked AS MATERIALIZED (SELECT id FROM investigations WHERE id = $1 FOR NO KEY UPDATE)
INSERT INTO investigation_events (investigation_id, type, data, created_at)
SELECT id, $2, $3::jsonb, clock_timestamp() FROM locked
RETURNING ${EVENT_COLUMNS}`

const LIST_EVENTS = `
SELECT ${EVENT_COLUMNS} FROM investigation_events WHERE investigation_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`

export const RUN_STATEMENTS = [
  'save-plan',
  'get-plan',
  'upsert-steps',
  'start-step',
  'finish-step',
  'get-step',
  'list-steps',
  'append-event',
  'list-events',
] as const
export type RunStatement = (typeof RUN_STATEMENTS)[number]

const STATEMENTS: Readonly<Record<RunStatement, string>> = {
  'save-plan': SAVE_PLAN,
  'get-plan': GET_PLAN,
  'upsert-steps': UPSERT_STEPS,
  'start-step': START_STEP,
  'finish-step': FINISH_STEP,
  'get-step': GET_STEP,
  'list-steps': LIST_STEPS,
  'append-event': APPEND_EVENT,
  'list-events': LIST_EVENTS,
}

/** A named prepared statement of this store. */
export function runQuery(statement: RunStatement, values: readonly unknown[]): SqlStatement {
  return { name: `runs.${statement}`, text: STATEMENTS[statement], values: [...values] }
}
