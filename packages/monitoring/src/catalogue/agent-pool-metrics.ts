/** What the pool of agents reports; type is the name of the agent. */
export const AGENT_POOL_METRICS = {
  agents: {
    kind: 'gauge',
    name: 'agent_pool_agents',
    help: 'Agents by state.',
    labels: { type: { limit: 64 }, state: ['starting', 'idle', 'busy', 'draining'] },
  },
  queueDepth: {
    kind: 'gauge',
    name: 'agent_pool_queue_depth',
    help: 'Tasks that wait for an agent.',
    labels: { type: { limit: 64 }, priority: { limit: 8 } },
  },
  taskDuration: {
    kind: 'histogram',
    name: 'agent_pool_task_duration_seconds',
    help: 'Run time of tasks, without their wait.',
    buckets: 'task',
    labels: { type: { limit: 64 }, outcome: ['ok', 'error', 'timeout', 'cancelled'] },
  },
  queueWait: {
    kind: 'histogram',
    name: 'agent_pool_queue_wait_seconds',
    help: 'Time that tasks waited for an agent.',
    buckets: 'task',
    labels: { type: { limit: 64 } },
  },
  restarts: {
    kind: 'counter',
    name: 'agent_pool_restarts_total',
    help: 'Agents that were replaced.',
    labels: { type: { limit: 64 }, reason: { limit: 16 } },
  },
  rejected: {
    kind: 'counter',
    name: 'agent_pool_rejected_total',
    help: 'Tasks that the pool did not take.',
    labels: { type: { limit: 64 }, reason: { limit: 16 } },
  },
} as const
