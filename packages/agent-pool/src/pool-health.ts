import type { WorkerCrew } from './crews/worker-crew.ts'
import type { PoolState } from './pool-stats.ts'
import type { Bulkhead } from './scheduling/bulkhead.ts'

export const POOL_HEALTH_STATUSES = ['pass', 'warn', 'fail'] as const

/** `warn`: some agents or workers are not what they should be, the others work. `fail`: no run would be served. */
export type PoolHealthStatus = (typeof POOL_HEALTH_STATUSES)[number]

export type PoolProblem =
  | { readonly kind: 'not-running'; readonly state: PoolState }
  /** The agent crashed too often and is given a rest. */
  | { readonly kind: 'circuit'; readonly agent: string; readonly state: 'open' | 'half-open' }
  /** It says that it cannot work, here or in some worker. */
  | { readonly kind: 'agent-unready'; readonly agent: string }
  /** A crew has fewer warm workers than it is to have at least. */
  | { readonly kind: 'workers-missing'; readonly crew: string; readonly alive: number; readonly least: number }

/** A snapshot: it does not change afterwards. */
export interface PoolHealth {
  readonly status: PoolHealthStatus
  readonly problems: readonly PoolProblem[]
}

export function poolHealth(state: PoolState, bulkheads: Iterable<Bulkhead>, crews: Iterable<WorkerCrew>): PoolHealth {
  if (state !== 'running') return { status: 'fail', problems: [{ kind: 'not-running', state }] }
  const agents = [...bulkheads]
  const problems = [...agents.flatMap(problemsOf), ...[...crews].flatMap(shortfallOf)]
  if (problems.length === 0) return { status: 'pass', problems }
  return { status: agents.some(isServed) ? 'warn' : 'fail', problems }
}

function problemsOf({ agent: { name: agent }, circuit, ready, crew }: Bulkhead): PoolProblem[] {
  const { state } = circuit
  return [
    ...(state === 'closed' ? [] : [{ kind: 'circuit' as const, agent, state }]),
    ...(ready && crew?.unready.includes(agent) !== true ? [] : [{ kind: 'agent-unready' as const, agent }]),
  ]
}

function shortfallOf({ size: alive, options }: WorkerCrew): PoolProblem[] {
  const { min: least } = options.scaling
  return alive < least ? [{ kind: 'workers-missing', crew: options.name, alive, least }] : []
}

/** Whether a run of it would get somewhere. */
function isServed({ circuit, ready, crew }: Bulkhead): boolean {
  return circuit.state !== 'open' && ready && (crew === undefined || crew.size > 0 || crew.options.scaling.min === 0)
}
