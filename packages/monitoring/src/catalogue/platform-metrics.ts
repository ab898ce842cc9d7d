export const HTTP_METRICS = {
  requestDuration: {
    kind: 'histogram',
    name: 'http_server_request_duration_seconds',
    help: 'Requests by route pattern; a path that no route matches has the route unmatched.',
    buckets: 'http',
    labels: {
      http_request_method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      http_route: { limit: 64 },
      http_response_status_code: { limit: 32 },
    },
  },
} as const

export const RESILIENCE_METRICS = {
  breakerState: {
    kind: 'stateSet',
    name: 'circuit_breaker_state',
    help: 'State of a circuit breaker; one of the states is 1.',
    states: ['closed', 'open', 'half-open'],
    labels: { name: { limit: 64 } },
  },
  retries: {
    kind: 'counter',
    name: 'retries_total',
    help: 'Attempts after the first one by how they ended.',
    labels: { operation: { limit: 64 }, outcome: ['success', 'failure', 'exhausted'] },
  },
} as const

export const TRACING_METRICS = {
  spans: {
    kind: 'counter',
    name: 'trace_spans_exported_total',
    help: 'Spans that were sent to the collector; failed ones are lost.',
    labels: { outcome: ['ok', 'failed'] },
  },
} as const

export const HEALTH_METRICS = {
  status: {
    kind: 'gauge',
    name: 'health_check_status',
    help: 'Reported status of a check: 1 pass, 0.5 warn, 0 fail, -1 unknown.',
    labels: { check: { limit: 64 } },
  },
  duration: {
    kind: 'histogram',
    name: 'health_check_duration_seconds',
    help: 'Duration of health checks.',
    buckets: 'check',
    labels: { check: { limit: 64 } },
  },
} as const

export const AUDIT_METRICS = {
  entries: {
    kind: 'counter',
    name: 'audit_entries_total',
    help: 'Entries appended to the audit log.',
  },
  unanchored: {
    kind: 'gauge',
    name: 'audit_unanchored_entries',
    help: 'Entries that no external anchor covers yet.',
  },
  oldestUnanchored: {
    kind: 'gauge',
    name: 'audit_oldest_unanchored_seconds',
    help: 'Age of the oldest entry that no external anchor covers; 0 where there is none.',
  },
  signedEntries: {
    kind: 'gauge',
    name: 'audit_signed_entries',
    help: 'Entries that the newest signed checkpoint covers.',
  },
  anchorEntries: {
    kind: 'gauge',
    name: 'audit_anchor_entries',
    help: 'Entries that an anchor covers, as far as is known.',
    labels: { anchor: { limit: 16 } },
  },
  anchorFailures: {
    kind: 'counter',
    name: 'audit_anchor_failures_total',
    help: 'Attempts to read or write an anchor that failed.',
    labels: { anchor: { limit: 16 } },
  },
  historyBroken: {
    kind: 'gauge',
    name: 'audit_history_broken',
    help: '1 while nothing is signed, since the log does not continue what was signed.',
  },
  verified: {
    kind: 'gauge',
    name: 'audit_verified_timestamp_seconds',
    help: 'When the last verification that found no fault ended.',
    labels: { mode: ['full', 'incremental'] },
  },
  verifyFailures: {
    kind: 'counter',
    name: 'audit_verify_failures_total',
    help: 'Verifications of the audit log that failed, by the kind of the first defect.',
    labels: { kind: ['gap', 'leaf', 'link', 'column', 'root', 'signature', 'short', 'inconsistent'] },
  },
} as const
