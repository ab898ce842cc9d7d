import type { Clock } from '@cidadao/contracts'
import type { AgentWorker } from '../workers/agent-worker.ts'
import type { WorkerDeath } from '../workers/transport.ts'
import type { UnreadyAgent } from '../workers/wire.ts'
import type { RouterStrategy } from './routing.ts'
import type { ScalerOptions } from './scaler.ts'
import type { Supervision } from './supervision.ts'

/** When a worker is replaced by a fresh one although nothing is wrong with it; 0 is never. */
export interface RecyclingLimits {
  readonly afterRuns: number
  readonly afterMs: number
  readonly aboveMb: number
}

export interface CrewOptions {
  /** For people; unique in a pool. */
  readonly name: string
  readonly isolation: 'thread' | 'process'
  readonly scaling: ScalerOptions
  /** How long a worker that is not needed is kept. */
  readonly idleEvictMs: number
  readonly recycling: RecyclingLimits
  readonly supervision: Required<Supervision>
  /** More deaths than this within that time, and replacements are spaced out. */
  readonly intensity: { readonly crashes: number; readonly withinMs: number }
  /** 0 is never. */
  readonly probeIntervalMs: number
  readonly probeTimeoutMs: number
  /** How often the crew is looked after. */
  readonly upkeepMs: number
  readonly route: RouterStrategy
  readonly clock: Clock
  readonly random: () => number
  /** Aborting `signal` gives up on the start. */
  spawn(signal: AbortSignal): Promise<AgentWorker>
}

/** What waits for a crew. */
export interface CrewDemand {
  readonly waiting: number
  /** How long each has, so far. */
  waitedMs(): readonly number[]
}

/** What a crew tells its owner, and asks of it. */
export interface CrewListener {
  /** A worker became free: a run may begin. */
  idle(): void
  demand(): CrewDemand
  started(workers: number): void
  /** `atRest`: it had no run in hand, so nobody else hears of it. */
  died(lastAgent: string | null, death: WorkerDeath, atRest: boolean): void
  recycled(runs: number): void
  evicted(workers: number): void
  restartedWithSibling(workers: number): void
  unresponsive(): void
  /** Agents that say they cannot work in one of the workers. */
  unready(agents: readonly UnreadyAgent[]): void
  startFailed(error: Error, retryMs: number): void
}
