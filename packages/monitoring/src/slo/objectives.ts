/** How good a service is meant to be over 30 days, and how that is measured. */
export interface Objective {
  /** Kebab-case; the label `slo` of everything that is computed from it. */
  readonly name: string
  /** What is promised, for whoever is woken by it. */
  readonly promise: string
  /** Share of good events, or of good time, that is promised: 0.999. */
  readonly target: number
  readonly indicator: Indicator
}

export type Indicator =
  /** Of what happened, the part that was bad; `$window` stands for the window. */
  | { readonly kind: 'events'; readonly bad: string; readonly total: string }
  /** Of the time, the part in which this was 1 and not 0. */
  | { readonly kind: 'time'; readonly isBad: string }

/** Failures that are the service's and not the caller's: conflicts, refused values and cancelled statements are not among them. */
const DATABASE_FAULTS =
  'DB_UNAVAILABLE|DB_CONNECTION_LOST|DB_TRANSACTION_LOST|DB_COMMIT_UNKNOWN|DB_POOL_TIMEOUT|DB_ANSWER_TIMEOUT|DB_STATEMENT_TIMEOUT|DB_LOCK_TIMEOUT|DB_READ_ONLY|DB_NOT_PRIMARY|DB_SERVER_EXHAUSTED|DB_TOO_MANY_CONNECTIONS|DB_UNEXPECTED'
/** Routes that machines ask; a failing readiness probe is no failed request. */
const PROBES = '/livez|/readyz|/startupz|/health|/metrics'

const QUERIES = 'db_client_operation_duration_seconds'

/** An invalidation that waits for longer than this may leave other processes with what is no longer so. */
export const FRESHNESS_LIMIT_SECONDS = 30
/** An audit entry that no anchor covers for longer than this could be altered unseen. */
export const ANCHORING_LIMIT_SECONDS = 900

export const OBJECTIVES: readonly Objective[] = Object.freeze([
  {
    name: 'investigations-availability',
    promise: '99.9 % of the investigations that end do so with results.',
    target: 0.999,
    indicator: {
      kind: 'events',
      bad: 'sum(rate(investigations_transitions_total{to="error"}[$window]))',
      total: 'sum(rate(investigations_transitions_total{to=~"completed|error"}[$window]))',
    },
  },
  {
    name: 'api-availability',
    promise: '99.9 % of the requests are answered without a failure of the server.',
    target: 0.999,
    indicator: {
      kind: 'events',
      bad: `sum(rate(http_server_request_duration_seconds_count{http_response_status_code=~"5..",http_route!~"${PROBES}"}[$window]))`,
      total: `sum(rate(http_server_request_duration_seconds_count{http_route!~"${PROBES}"}[$window]))`,
    },
  },
  {
    name: 'database-availability',
    promise: '99.9 % of the database operations do not fail for a reason of the service.',
    target: 0.999,
    indicator: {
      kind: 'events',
      bad: `sum(rate(${QUERIES}_count{error_type=~"${DATABASE_FAULTS}"}[$window]))`,
      total: `sum(rate(${QUERIES}_count[$window]))`,
    },
  },
  {
    name: 'database-latency',
    promise: '99 % of the database operations take less than 100 ms.',
    target: 0.99,
    indicator: {
      kind: 'events',
      bad: `sum(rate(${QUERIES}_count[$window])) - sum(rate(${QUERIES}_bucket{le="0.1"}[$window]))`,
      total: `sum(rate(${QUERIES}_count[$window]))`,
    },
  },
  {
    name: 'cache-freshness',
    promise: `99 % of the time no invalidation of the cache waits for longer than ${FRESHNESS_LIMIT_SECONDS} s.`,
    target: 0.99,
    indicator: { kind: 'time', isBad: `max(db_outbox_oldest_seconds) > bool ${FRESHNESS_LIMIT_SECONDS}` },
  },
  {
    name: 'audit-anchoring',
    promise: '99 % of the time every audit entry older than 15 minutes is covered by an external anchor.',
    target: 0.99,
    indicator: { kind: 'time', isBad: `max(audit_oldest_unanchored_seconds) > bool ${ANCHORING_LIMIT_SECONDS}` },
  },
])
