/** Counted when the transaction has committed, never before. */
export const INVESTIGATION_METRICS = {
  transitions: {
    kind: 'counter',
    name: 'investigations_transitions_total',
    help: 'Changes of status; from is none for a new investigation.',
    labels: {
      from: ['none', 'pending', 'processing', 'completed', 'error', 'cancelled'],
      to: ['pending', 'processing', 'completed', 'error', 'cancelled'],
    },
    known: [
      { from: 'none', to: 'pending' },
      { from: 'pending', to: 'processing' },
      { from: 'pending', to: 'error' },
      { from: 'pending', to: 'cancelled' },
      { from: 'processing', to: 'completed' },
      { from: 'processing', to: 'error' },
      { from: 'processing', to: 'cancelled' },
    ],
  },
  byStatus: {
    kind: 'gauge',
    name: 'investigations',
    help: 'Investigations in the database by status.',
    labels: { status: ['pending', 'processing', 'completed', 'error', 'cancelled'] },
  },
  duration: {
    kind: 'histogram',
    name: 'investigation_duration_seconds',
    help: 'Time from submission to the final status.',
    buckets: 'investigation',
    labels: { status: ['completed', 'error', 'cancelled'] },
  },
  anomalies: {
    kind: 'counter',
    name: 'investigation_anomalies_total',
    help: 'Findings of completed investigations by rule.',
    labels: { rule: { limit: 64 } },
  },
} as const
