/** What the pool and the one path that all queries take report. */
export const DATABASE_METRICS = {
  operationDuration: {
    kind: 'histogram',
    name: 'db_client_operation_duration_seconds',
    help: 'Database operations, from the call to its outcome; db_query_summary is the registered name of the query.',
    buckets: 'database',
    labels: {
      db_system_name: ['postgresql'],
      db_operation_name: { limit: 16 },
      db_query_summary: { limit: 128 },
      error_type: { limit: 32 },
    },
  },
  connections: {
    kind: 'gauge',
    name: 'db_client_connections',
    help: 'Connections of a pool by state.',
    labels: { pool: { limit: 8 }, state: ['idle', 'used'] },
  },
  connectionsUsedPeak: {
    kind: 'gauge',
    name: 'db_client_connections_used_peak',
    help: 'Most connections in use at once in the last minute.',
    labels: { pool: { limit: 8 } },
  },
  connectionsMax: {
    kind: 'gauge',
    name: 'db_client_connections_max',
    help: 'Connections that a pool may open.',
    labels: { pool: { limit: 8 } },
  },
  pendingRequests: {
    kind: 'gauge',
    name: 'db_client_connections_pending_requests',
    help: 'Callers that wait for a connection.',
    labels: { pool: { limit: 8 } },
  },
  connectionTimeouts: {
    kind: 'counter',
    name: 'db_client_connections_timeouts_total',
    help: 'Callers that gave up waiting for a connection.',
    labels: { pool: { limit: 8 } },
  },
  connectionWaitTime: {
    kind: 'histogram',
    name: 'db_client_connections_wait_time_seconds',
    help: 'Time from asking for a connection to having it.',
    buckets: 'database',
    labels: { pool: { limit: 8 } },
  },
  connectionUseTime: {
    kind: 'histogram',
    name: 'db_client_connections_use_time_seconds',
    help: 'Time from having a connection to giving it back.',
    buckets: 'database',
    labels: { pool: { limit: 8 } },
  },
  outboxMessages: {
    kind: 'gauge',
    name: 'db_outbox_messages',
    help: 'Invalidations of the cache in the outbox; waiting counts up to 1,000.',
    labels: { state: ['waiting', 'refused'] },
  },
  outboxOldest: {
    kind: 'gauge',
    name: 'db_outbox_oldest_seconds',
    help: 'Age of the oldest invalidation that is not delivered yet.',
  },
  historyDropped: {
    kind: 'counter',
    name: 'db_history_dropped_total',
    help: 'Measurements that did not get into the history.',
    labels: { reason: ['overflow', 'refused', 'stopped'] },
  },
  connectionCreateTime: {
    kind: 'histogram',
    name: 'db_client_connections_create_time_seconds',
    help: 'Time to open a connection.',
    buckets: 'database',
    labels: { pool: { limit: 8 } },
  },
} as const
