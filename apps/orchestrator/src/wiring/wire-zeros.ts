import type { AgentPool } from '@cidadao/agent-pool'
import { CRASH_REASONS } from '@cidadao/agent-pool'
import { SEED_POLICY_NAMES } from '@cidadao/cache'
import type { Catalogue } from '@cidadao/monitoring'

const LAYERS = ['memory', 'redis', 'postgresql'] as const
const RESULTS = ['hit', 'miss', 'stale', 'error'] as const
const REJECTIONS = ['AGENT_POOL_QUEUE_FULL', 'AGENT_POOL_QUEUE_TIMEOUT', 'AGENT_POOL_CIRCUIT_OPEN', 'AGENT_POOL_NOT_RUNNING'] as const

/** Shows what is known to come at 0, so that its first increase is seen as one: a counter that appears at 1 has not risen. */
export function wireZeros({ cache, agentPool, db, resilience }: Catalogue, pool: Pick<AgentPool, 'agents'>): void {
  for (const cache_name of [...SEED_POLICY_NAMES, 'step_results']) {
    for (const cache_layer of LAYERS) for (const result of RESULTS) cache.requests.init({ cache_name, cache_layer, result })
    cache.stampedeWaits.init({ cache_name })
  }
  for (const { name: type } of pool.agents()) {
    for (const reason of [...CRASH_REASONS, 'killed']) agentPool.restarts.init({ type, reason })
    for (const reason of REJECTIONS) agentPool.rejected.init({ type, reason })
  }
  db.connectionTimeouts.init({ pool: 'main' })
  resilience.retries.init({ operation: 'db', outcome: 'failure' })
}
