import type { AgentIsolation } from './agent.ts'
import type { RunOutcome } from './events.ts'
import type { Bulkhead } from './scheduling/bulkhead.ts'
import type { CircuitState } from './scheduling/crash-circuit.ts'

export const POOL_STATES = ['stopped', 'running', 'draining', 'drained'] as const
export type PoolState = (typeof POOL_STATES)[number]

export interface AgentStats {
  readonly name: string
  readonly version: string
  readonly isolation: AgentIsolation
  readonly slots: number
  readonly running: number
  readonly queued: number
  readonly circuit: CircuitState
  /** Runs that were admitted and ended, since the pool was created. */
  readonly outcomes: Readonly<Record<RunOutcome, number>>
  /** Runs that were not admitted. */
  readonly rejected: number
  readonly progressDropped: number
  /** Moving average over about ten runs; null before the first. */
  readonly averageRunMs: number | null
}

export interface ThreadStats {
  /** Warm threads. */
  readonly alive: number
  readonly idle: number
  /** How many there should be. */
  readonly target: number
}

/** A snapshot: it does not change afterwards. */
export interface PoolStats {
  readonly state: PoolState
  readonly running: number
  readonly queued: number
  readonly threads: ThreadStats
  readonly agents: readonly AgentStats[]
}

/** What a pool offers of an agent, for planners and people. */
export interface AgentSummary {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly isolation: AgentIsolation
  readonly deterministic: boolean
  readonly idempotent: boolean
  readonly slots: number
}

export function toAgentStats(bulkhead: Bulkhead): AgentStats {
  const { agent, slots, running, queued, rejected, progressDropped } = bulkhead
  return {
    name: agent.name,
    version: agent.version,
    isolation: agent.isolation,
    slots,
    running,
    queued,
    circuit: bulkhead.circuit.state,
    outcomes: { ...bulkhead.outcomes },
    rejected,
    progressDropped,
    averageRunMs: bulkhead.averageRunMs ?? null,
  }
}

export function toAgentSummary({ agent, slots }: Bulkhead): AgentSummary {
  const { name, version, description, isolation } = agent
  return {
    name,
    version,
    description,
    isolation,
    deterministic: agent.deterministic,
    idempotent: agent.idempotent,
    slots,
  }
}
