/** What the cache's tiers report. A failing tier is an error, never a miss. */
export const CACHE_METRICS = {
  requests: {
    kind: 'counter',
    name: 'cache_requests_total',
    help: 'Lookups of a cache in a layer by what they found.',
    labels: {
      cache_name: { limit: 64 },
      cache_layer: ['memory', 'redis', 'postgresql'],
      result: ['hit', 'miss', 'stale', 'error'],
    },
  },
  operationDuration: {
    kind: 'histogram',
    name: 'cache_operation_duration_seconds',
    help: 'Operations on a layer of the cache.',
    buckets: 'cache',
    labels: {
      cache_layer: ['memory', 'redis', 'postgresql'],
      operation: ['get', 'set', 'delete', 'invalidate'],
      outcome: ['ok', 'error'],
    },
  },
  evictions: {
    kind: 'counter',
    name: 'cache_evictions_total',
    help: 'Entries that left a layer before their time.',
    labels: { cache_layer: ['memory'], reason: ['capacity', 'too_large'] },
  },
  entries: {
    kind: 'gauge',
    name: 'cache_entries',
    help: 'Entries held by a layer of this process.',
    labels: { cache_name: { limit: 64 }, cache_layer: ['memory', 'redis', 'postgresql'] },
  },
  size: {
    kind: 'gauge',
    name: 'cache_size_bytes',
    help: 'Bytes held by a layer of this process.',
    labels: { cache_name: { limit: 64 }, cache_layer: ['memory', 'redis', 'postgresql'] },
  },
  checks: {
    kind: 'counter',
    name: 'cache_checks_total',
    help: 'Hits that were compared with their origin.',
    labels: { cache_name: { limit: 64 }, outcome: ['same', 'stale', 'failed'] },
  },
  stampedeWaits: {
    kind: 'counter',
    name: 'cache_stampede_waits_total',
    help: 'Callers that waited for a value which another one was already loading.',
    labels: { cache_name: { limit: 64 } },
  },
  layerState: {
    kind: 'stateSet',
    name: 'cache_layer_state',
    help: 'State of a layer; one of the states is 1.',
    states: ['ok', 'slow', 'open', 'half-open'],
    labels: { cache_layer: ['memory', 'redis', 'postgresql'] },
  },
} as const
