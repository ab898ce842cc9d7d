import { describe, expect, it } from 'vitest'
import { createMetrics } from '../metrics/create-metrics.ts'
import { createCatalogue } from './catalogue.ts'

/** What rules, dashboards and the documentation may rely on. */
const PROMISED = [
  'db_client_operation_duration_seconds',
  'db_client_connections',
  'db_client_connections_max',
  'db_client_connections_used_peak',
  'db_client_connections_pending_requests',
  'db_client_connections_timeouts_total',
  'db_client_connections_wait_time_seconds',
  'db_client_connections_use_time_seconds',
  'db_client_connections_create_time_seconds',
  'cache_requests_total',
  'cache_operation_duration_seconds',
  'cache_evictions_total',
  'cache_entries',
  'cache_size_bytes',
  'cache_stampede_waits_total',
  'cache_checks_total',
  'investigations_transitions_total',
  'investigations',
  'investigation_duration_seconds',
  'investigation_anomalies_total',
  'agent_pool_agents',
  'agent_pool_queue_depth',
  'agent_pool_task_duration_seconds',
  'agent_pool_queue_wait_seconds',
  'agent_pool_restarts_total',
  'agent_pool_rejected_total',
  'circuit_breaker_state',
  'retries_total',
  'health_check_status',
  'health_check_duration_seconds',
  'audit_entries_total',
  'audit_unanchored_entries',
  'audit_verify_failures_total',
  'audit_oldest_unanchored_seconds',
  'audit_signed_entries',
  'audit_anchor_entries',
  'audit_anchor_failures_total',
  'audit_history_broken',
  'audit_verified_timestamp_seconds',
  'db_outbox_messages',
  'db_outbox_oldest_seconds',
  'db_history_dropped_total',
  'http_server_request_duration_seconds',
  'trace_spans_exported_total',
  'metrics_overflow_total',
  'metrics_rejected_total',
]

describe('the catalogue', () => {
  it.each(PROMISED)('has %s', (name) => {
    const metrics = createMetrics()
    createCatalogue(metrics)
    expect(metrics.describe().map((metric) => metric.name)).toContain(name)
  })

  it('starts the legal changes of status at 0, and no others', async () => {
    const metrics = createMetrics()
    createCatalogue(metrics)
    const transitions = (await metrics.snapshot()).find((metric) => metric.name === 'investigations_transitions_total')
    expect(transitions?.samples.map((sample) => `${sample.labels.from} ${sample.labels.to} ${sample.value}`)).toEqual([
      'none pending 0',
      'pending processing 0',
      'pending error 0',
      'pending cancelled 0',
      'processing completed 0',
      'processing error 0',
      'processing cancelled 0',
    ])
  })

  it('starts what an alert watches at 0: audit failures by kind, entries, breaker states when first known', async () => {
    const metrics = createMetrics()
    const catalogue = createCatalogue(metrics)
    catalogue.resilience.breakerState.set('closed', { name: 'database' })
    const { body } = await metrics.expose()
    expect(body).toContain('audit_verify_failures_total{kind="gap"} 0')
    expect(body).toContain('\naudit_entries_total 0\n')
    expect(body).toContain('circuit_breaker_state{name="database",state="half-open"} 0')
  })

  it('counts a failing tier apart from a miss', async () => {
    const metrics = createMetrics()
    const { cache } = createCatalogue(metrics)
    cache.requests.add(1, { cache_name: 'api_responses', cache_layer: 'redis', result: 'error' })
    const { body } = await metrics.expose()
    expect(body).toContain('cache_requests_total{cache_name="api_responses",cache_layer="redis",result="error"} 1')
    expect(body).not.toContain('result="miss"} 1')
  })

  it('has a bucket bound at the objective of 100 ms for database operations and requests', async () => {
    const metrics = createMetrics()
    const { db, http } = createCatalogue(metrics)
    db.operationDuration.observe(0.1, {
      db_system_name: 'postgresql',
      db_operation_name: 'SELECT',
      db_query_summary: 'x',
      error_type: 'none',
    })
    http.requestDuration.observe(0.1, { http_request_method: 'GET', http_route: '/health', http_response_status_code: '200' })
    const { body } = await metrics.expose()
    expect(body).toMatch(/db_client_operation_duration_seconds_bucket\{le="0\.1",.*\} 1\n/)
    expect(body).toMatch(/http_server_request_duration_seconds_bucket\{le="0\.1",.*\} 1\n/)
  })

  it('cannot be declared twice on one registry', () => {
    const metrics = createMetrics()
    createCatalogue(metrics)
    expect(() => createCatalogue(metrics)).toThrow(expect.objectContaining({ code: 'MONITORING_METRIC_INVALID' }))
  })
})
