import type { SqlStatement } from '../sql-executor.ts'

const OPEN = 'INSERT INTO open_runs (investigation_id, deadline_at) VALUES ($1, $2)'

/**
 * The investigation's row is locked first, as everywhere. The open run is locked with it: only of a row that is locked
 * does the server take the newest version after a wait, or none where the writer before us has deleted it. Steps are
 * read after it in a statement of their own, for the same reason.
 */
const LOCK = `
SELECT i.id, i.status, i.user_id, i.created_at, r.stop_reason, r.plan_revision
FROM investigations i JOIN open_runs r ON r.investigation_id = i.id
WHERE i.id = $1 FOR NO KEY UPDATE OF i, r`

const STEPS = `
SELECT step_id, agent, agent_version, status, attempt, job_id, due_at FROM investigation_steps WHERE investigation_id = $1`

const RESULTS = `
SELECT step_id, result FROM investigation_steps WHERE investigation_id = $1 AND step_id = ANY ($2::text[]) AND status = 'completed'`

const CLAIM = `
UPDATE investigation_steps SET status = 'running', attempt = $3, started_at = clock_timestamp()
WHERE investigation_id = $1 AND step_id = $2 AND job_id = $4 AND status IN ('pending', 'running') AND attempt <= $3
RETURNING step_id`

const BEGIN = `UPDATE investigations SET status = 'processing' WHERE id = $1 AND status = 'pending' RETURNING id`

/** A result that is the JSON null arrives here as SQL's, which means that there is none. */
const END_STEPS = `
UPDATE investigation_steps AS stored SET
  status = ended.status,
  result = CASE WHEN ended.status = 'completed' THEN COALESCE(ended.result, 'null'::jsonb) END,
  error = ended.error,
  input_hash = COALESCE(ended.input_hash, stored.input_hash),
  finished_at = clock_timestamp(), job_id = NULL, due_at = NULL
FROM json_to_recordset($2::json) AS ended (step_id text, attempt integer, status text, result jsonb, error jsonb, input_hash text)
WHERE stored.investigation_id = $1 AND stored.step_id = ended.step_id AND stored.attempt = ended.attempt
  AND stored.status IN ('pending', 'running')
RETURNING stored.step_id`

const ASSIGN = `
UPDATE investigation_steps AS stored SET
  status = COALESCE(given.status, stored.status), job_id = given.job_id, due_at = given.due_at,
  started_at = CASE WHEN given.status = 'running' THEN COALESCE(stored.started_at, clock_timestamp()) ELSE stored.started_at END
FROM json_to_recordset($2::json) AS given (step_id text, status text, job_id uuid, due_at timestamptz)
WHERE stored.investigation_id = $1 AND stored.step_id = given.step_id AND stored.status IN ('pending', 'running')
RETURNING stored.step_id`

const LOG = `
INSERT INTO investigation_events (investigation_id, type, data, created_at)
SELECT $1, entry.value ->> 'type', entry.value -> 'data', clock_timestamp()
FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS entry (value, place) ORDER BY place`

const STOP = 'UPDATE open_runs SET stop_reason = COALESCE(stop_reason, $2) WHERE investigation_id = $1 RETURNING stop_reason'
const CLOSE = 'DELETE FROM open_runs WHERE investigation_id = $1'
const STOPPED = 'SELECT investigation_id AS id FROM open_runs WHERE investigation_id = ANY ($1::text[]) AND stop_reason IS NOT NULL'
const OVERDUE = `
SELECT investigation_id AS id FROM open_runs WHERE deadline_at <= clock_timestamp() AND stop_reason IS NULL
ORDER BY deadline_at LIMIT $1`
const DUE_STEPS = `
SELECT investigation_id, step_id FROM investigation_steps WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1`

/** Each is taken by one reconciler at a time; who comes second finds others. */
const TAKE_UNSEEN = `
UPDATE open_runs SET looked_at = clock_timestamp()
WHERE investigation_id IN (
  SELECT investigation_id FROM open_runs WHERE looked_at < clock_timestamp() - $1::integer * interval '1 millisecond'
  ORDER BY looked_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING investigation_id AS id`
const COUNT = 'SELECT count(*)::integer AS open FROM open_runs'

export const OPEN_RUN_STATEMENTS = [
  'open',
  'lock',
  'steps',
  'results',
  'claim',
  'begin',
  'end-steps',
  'assign',
  'log',
  'stop',
  'close',
  'stopped',
  'overdue',
  'due-steps',
  'take-unseen',
  'count',
] as const
export type OpenRunStatement = (typeof OPEN_RUN_STATEMENTS)[number]

const STATEMENTS: Readonly<Record<OpenRunStatement, string>> = {
  open: OPEN,
  lock: LOCK,
  steps: STEPS,
  results: RESULTS,
  claim: CLAIM,
  begin: BEGIN,
  'end-steps': END_STEPS,
  assign: ASSIGN,
  log: LOG,
  stop: STOP,
  close: CLOSE,
  stopped: STOPPED,
  overdue: OVERDUE,
  'due-steps': DUE_STEPS,
  'take-unseen': TAKE_UNSEEN,
  count: COUNT,
}

/** A named prepared statement about open runs. */
export function openRunQuery(statement: OpenRunStatement, values: readonly unknown[]): SqlStatement {
  return { name: `open-runs.${statement}`, text: STATEMENTS[statement], values: [...values] }
}
