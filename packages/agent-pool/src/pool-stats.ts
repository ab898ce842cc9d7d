import type { AgentIsolation } from './agent.ts'
import type { WorkerCrew } from './crews/worker-crew.ts'
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
  /** Runs at once as of now: `slots`, or what its adaptive limit has come to. */
  readonly limit: number
  readonly running: number
  readonly queued: number
  readonly circuit: CircuitState
  /** Runs that were admitted and ended, since the pool was created. */
  readonly outcomes: Readonly<Record<RunOutcome, number>>
  /** Runs that were not admitted. */
  readonly rejected: number
  readonly progressDropped: number
  /** Attempts that failed in passing and were repeated. */
  readonly retries: number
  /** Moving average over about ten runs; null before the first. */
  readonly averageRunMs: number | null
}

export interface ThreadStats {
  /** Warm workers. */
  readonly alive: number
  readonly idle: number
  /** How many there should be now. */
  readonly target: number
}

/** The workers of one agent, or those that thread agents share. */
export interface CrewStats extends ThreadStats {
  /** The agent's name, or `threads`. */
  readonly crew: string
  readonly isolation: 'thread' | 'process'
  readonly min: number
  readonly max: number
}

/** A snapshot: it does not change afterwards. */
export interface PoolStats {
  readonly state: PoolState
  readonly running: number
  readonly queued: number
  /** All worker threads, however they are shared out. */
  readonly threads: ThreadStats
  readonly crews: readonly CrewStats[]
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
  readonly capabilities: readonly string[]
}

export function toAgentStats(bulkhead: Bulkhead): AgentStats {
  const { agent, slots, running, queued, rejected, progressDropped } = bulkhead
  return {
    name: agent.name,
    version: agent.version,
    isolation: agent.isolation,
    slots,
    limit: bulkhead.limit,
    running,
    queued,
    circuit: bulkhead.circuit.state,
    outcomes: { ...bulkhead.outcomes },
    rejected,
    progressDropped,
    retries: bulkhead.retries,
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
    capabilities: agent.capabilities,
  }
}

export function toCrewStats({ options, size, idle, target }: WorkerCrew): CrewStats {
  const { min, max } = options.scaling
  return { crew: options.name, isolation: options.isolation, alive: size, idle, target, min, max }
}

export function toThreadStats(crews: readonly WorkerCrew[]): ThreadStats {
  const threads = crews.filter(({ options }) => options.isolation === 'thread')
  const sum = (count: (crew: WorkerCrew) => number): number => threads.reduce((total, crew) => total + count(crew), 0)
  return { alive: sum(({ size }) => size), idle: sum(({ idle }) => idle), target: sum(({ target }) => target) }
}
