import { gauge, quantiles, rate, type Dashboard } from './dashboard.ts'

export const DATABASE: Dashboard = {
  uid: 'cidadao-database',
  title: 'Cidadão.AI · database',
  panels: [
    {
      title: 'Operations',
      about: 'By outcome; none is success.',
      unit: 'ops',
      queries: [rate('db_client_operation_duration_seconds_count', 'error_type')],
    },
    {
      title: 'Duration',
      about: 'The objective is 99 % below 100 ms.',
      unit: 's',
      queries: quantiles('db_client_operation_duration_seconds'),
    },
    {
      title: 'Slowest statements',
      about: 'By registered name, their share of the time of all.',
      unit: 's',
      queries: [
        {
          expr: 'topk(10, sum by (db_query_summary) (rate(db_client_operation_duration_seconds_sum[$__rate_interval])))',
          legend: '{{db_query_summary}}',
        },
      ],
    },
    {
      title: 'Connections',
      about: 'The peak is of the last minute, so that none between two scrapes is missed.',
      unit: 'short',
      queries: [
        gauge('db_client_connections', 'pool, state'),
        gauge('db_client_connections_used_peak', 'pool', 'max'),
        gauge('db_client_connections_max', 'pool'),
      ],
    },
    {
      title: 'Callers that wait',
      about: 'For a connection.',
      unit: 'short',
      queries: [gauge('db_client_connections_pending_requests', 'pool'), rate('db_client_connections_timeouts_total', 'pool')],
    },
    {
      title: 'Wait for a connection',
      about: 'Long ones mean that the pool is too small, or that transactions are too long.',
      unit: 's',
      queries: quantiles('db_client_connections_wait_time_seconds'),
    },
    {
      title: 'Use of a connection',
      about: 'From taking it to giving it back.',
      unit: 's',
      queries: quantiles('db_client_connections_use_time_seconds'),
    },
    {
      title: 'Outbox',
      about: 'Invalidations of the cache that wait.',
      unit: 'short',
      queries: [gauge('db_outbox_messages', 'state', 'max')],
    },
    { title: 'Retries', about: 'Of database operations.', unit: 'ops', queries: [rate('retries_total', 'operation, outcome')] },
  ],
}

export const CACHE: Dashboard = {
  uid: 'cidadao-cache',
  title: 'Cidadão.AI · cache',
  panels: [
    {
      title: 'Hit rate',
      about: 'By cache. Failures of a layer count neither as hit nor as miss.',
      unit: 'percentunit',
      queries: [
        {
          expr: 'sum by (cache_name) (rate(cache_requests_total{result=~"hit|stale"}[$__rate_interval])) / sum by (cache_name) (rate(cache_requests_total{result!="error"}[$__rate_interval]))',
          legend: '{{cache_name}}',
        },
      ],
    },
    { title: 'Lookups', about: 'By layer and result.', unit: 'ops', queries: [rate('cache_requests_total', 'cache_layer, result')] },
    {
      title: 'Duration by layer',
      about: 'Of the shared layers; memory is not timed.',
      unit: 's',
      queries: quantiles('cache_operation_duration_seconds', 'cache_layer'),
    },
    {
      title: 'Layers that are not well',
      about: '1 while a layer is slow, shut off or being tried.',
      unit: 'short',
      queries: [gauge('cache_layer_state{state!="ok"}', 'cache_layer, state', 'max')],
    },
    { title: 'Memory', about: 'Bytes held by this layer.', unit: 'bytes', queries: [gauge('cache_size_bytes', 'cache_layer')] },
    {
      title: 'Evictions and shared loads',
      about: 'Entries let go before their time; callers that waited for somebody else’s load.',
      unit: 'ops',
      queries: [rate('cache_evictions_total', 'reason'), rate('cache_stampede_waits_total', 'cache_name')],
    },
  ],
}

export const AGENTS: Dashboard = {
  uid: 'cidadao-agents',
  title: 'Cidadão.AI · agents',
  panels: [
    { title: 'Agents', about: 'By state.', unit: 'short', queries: [gauge('agent_pool_agents', 'state')] },
    { title: 'Waiting tasks', about: 'By agent.', unit: 'short', queries: [gauge('agent_pool_queue_depth', 'type')] },
    { title: 'Wait in the queue', about: 'By agent.', unit: 's', queries: quantiles('agent_pool_queue_wait_seconds') },
    {
      title: 'Duration of tasks',
      about: 'By agent, without the wait.',
      unit: 's',
      queries: quantiles('agent_pool_task_duration_seconds', 'type'),
    },
    { title: 'Outcomes', about: 'By agent.', unit: 'ops', queries: [rate('agent_pool_task_duration_seconds_count', 'type, outcome')] },
    {
      title: 'Restarts and refusals',
      about: 'Workers that died or were killed; tasks that were not taken.',
      unit: 'ops',
      queries: [rate('agent_pool_restarts_total', 'reason'), rate('agent_pool_rejected_total', 'reason')],
    },
  ],
}

export const TRUST: Dashboard = {
  uid: 'cidadao-audit',
  title: 'Cidadão.AI · audit log and health',
  panels: [
    {
      title: 'Health checks',
      about: '1 pass, 0.5 warn, 0 fail, -1 unknown.',
      unit: 'short',
      queries: [gauge('health_check_status', 'check', 'max')],
    },
    { title: 'Duration of checks', about: 'By check.', unit: 's', queries: quantiles('health_check_duration_seconds', 'check') },
    {
      title: 'Circuit breakers',
      about: '1 while open.',
      unit: 'short',
      queries: [gauge('circuit_breaker_state{state="open"}', 'name', 'max')],
    },
    {
      title: 'Audit entries',
      about: 'Appended, by all processes together.',
      unit: 'ops',
      queries: [{ expr: 'sum(rate(audit_entries_total[$__rate_interval]))', legend: 'entries' }],
    },
    {
      title: 'Oldest entry without an anchor',
      about: 'The objective is 15 minutes.',
      unit: 's',
      queries: [{ expr: 'max(audit_oldest_unanchored_seconds)', legend: 'age' }],
      look: 'number',
    },
    {
      title: 'Failed verifications',
      about: 'Anything but 0 means that the log was altered.',
      unit: 'short',
      queries: [
        { expr: 'sum by (kind) (increase(audit_verify_failures_total[1d])) > 0', legend: '{{kind}}' },
        { expr: 'max(audit_history_broken)', legend: 'history broken' },
      ],
      look: 'number',
    },
  ],
}

export const PROCESS: Dashboard = {
  uid: 'cidadao-process',
  title: 'Cidadão.AI · processes',
  panels: [
    {
      title: 'Event loop, busy',
      about: 'Above 0.8 for long, the process needs less to do or company.',
      unit: 'percentunit',
      queries: [gauge('nodejs_eventloop_utilization_ratio', 'instance', 'max')],
    },
    {
      title: 'Event loop, longest block',
      about: 'Of the last minute.',
      unit: 's',
      queries: [gauge('nodejs_eventloop_delay_max_seconds', 'instance', 'max')],
    },
    {
      title: 'Garbage collection',
      about: 'Share of the time, by kind.',
      unit: 'percentunit',
      queries: [rate('nodejs_gc_duration_seconds_sum', 'kind')],
    },
    {
      title: 'Memory',
      about: 'In RAM, and the heap within.',
      unit: 'bytes',
      queries: [gauge('process_resident_memory_bytes', 'instance'), gauge('nodejs_heap_size_used_bytes', 'instance')],
    },
    { title: 'CPU', about: 'Cores in use.', unit: 'short', queries: [rate('process_cpu_seconds_total', 'instance')] },
    {
      title: 'Telemetry',
      about: 'Observations under other or refused, spans, measurements that did not get into the history.',
      unit: 'ops',
      queries: [
        rate('metrics_overflow_total', 'metric'),
        rate('metrics_rejected_total', 'metric'),
        rate('trace_spans_exported_total', 'outcome'),
        rate('db_history_dropped_total', 'reason'),
      ],
    },
  ],
}
