import type { Severity } from './burn-rates.ts'
import type { Rule, RuleGroup } from './rules.ts'

interface Symptom {
  readonly alert: string
  readonly severity: Severity
  readonly expr: string
  /** How long it must hold. @default at once */
  readonly for?: string
  readonly summary: string
  /** What to do about it. */
  readonly mend: string
}

/** What must not wait until a budget is used up, and what no objective sees. */
const SYMPTOMS: readonly Symptom[] = [
  {
    alert: 'AuditLogAltered',
    severity: 'page',
    expr: 'increase(audit_verify_failures_total[15m]) > 0 or audit_history_broken == 1',
    summary: 'The audit log is not what was signed',
    mend: 'Keep the database as it is, run "cidadao audit verify --json", and restore from a backup only after it has been looked into.',
  },
  {
    alert: 'OrchestratorDown',
    severity: 'page',
    expr: 'up{job="cidadao"} == 0',
    for: '2m',
    summary: '{{ $labels.instance }} does not answer',
    mend: 'Look at its log and at /livez; it takes its investigations up again when it is back.',
  },
  {
    alert: 'CriticalCheckFails',
    severity: 'page',
    expr: 'health_check_status{check=~"postgresql|agent-pool"} == 0',
    for: '1m',
    summary: 'The check {{ $labels.check }} of {{ $labels.instance }} fails',
    mend: 'GET /health with a key has the code; docs/errors.md says what it means.',
  },
  {
    alert: 'CheckFails',
    severity: 'ticket',
    expr: 'health_check_status{check!~"postgresql|agent-pool"} == 0',
    for: '10m',
    summary: 'The check {{ $labels.check }} of {{ $labels.instance }} fails',
    mend: 'GET /health with a key has the code; the service goes on without it, more slowly or with less certainty.',
  },
  {
    alert: 'DatabasePoolExhausted',
    severity: 'page',
    expr: 'min_over_time(db_client_connections_pending_requests[2m]) > 0 and rate(db_client_connections_timeouts_total[5m]) > 0',
    summary: 'Callers of {{ $labels.instance }} wait in vain for a database connection',
    mend: 'Look for long transactions (db_client_connections_use_time_seconds), then raise DATABASE_POOL_SIZE.',
  },
  {
    alert: 'CircuitOpen',
    severity: 'ticket',
    expr: 'circuit_breaker_state{state="open"} == 1',
    for: '5m',
    summary: 'The circuit breaker {{ $labels.name }} of {{ $labels.instance }} stays open',
    mend: 'What it protects from has failed for long: see the health check of the same name.',
  },
  {
    alert: 'EventLoopBlocked',
    severity: 'ticket',
    expr: 'nodejs_eventloop_delay_max_seconds > 1',
    for: '5m',
    summary: 'The event loop of {{ $labels.instance }} was blocked for over a second, again and again',
    mend: 'Something computes outside the agent pool; a CPU profile shows what.',
  },
  {
    alert: 'InvalidationsRefused',
    severity: 'ticket',
    expr: 'db_outbox_messages{state="refused"} > 0',
    for: '10m',
    summary: 'Invalidations of the cache were set aside',
    mend: 'What they name may be served stale until it expires; the log says which namespace is unknown.',
  },
  {
    alert: 'HistoryLosesMeasurements',
    severity: 'ticket',
    expr: 'increase(db_history_dropped_total[1h]) > 0',
    summary: 'Measurements do not get into the history',
    mend: 'The reason is in the label; mostly the database was away for longer than the buffer lasts.',
  },
  {
    alert: 'LabelsOverflow',
    severity: 'ticket',
    expr: 'increase(metrics_overflow_total[1h]) > 0 or increase(metrics_rejected_total[1h]) > 0',
    summary: 'Observations of {{ $labels.metric }} count under other, or not at all',
    mend: 'A label takes values that it should not: raise its limit or stop putting data into it.',
  },
  {
    alert: 'TracesLost',
    severity: 'ticket',
    expr: 'increase(trace_spans_exported_total{outcome="failed"}[15m]) > 0',
    for: '15m',
    summary: 'Traces of {{ $labels.instance }} do not reach their collector',
    mend: 'Check OTEL_EXPORTER_OTLP_ENDPOINT and the collector.',
  },
]

export function symptomGroup(): RuleGroup {
  return { name: 'symptoms', interval: '30s', rules: SYMPTOMS.map(toRule) }
}

function toRule({ alert, severity, expr, summary, mend, for: held }: Symptom): Rule {
  return { alert, expr, ...(held === undefined ? {} : { for: held }), labels: { severity }, annotations: { summary, description: mend } }
}
