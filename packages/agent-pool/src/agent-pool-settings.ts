import type { Clock } from '@cidadao/contracts'
import type { RouterStrategy } from './crews/routing.ts'
import type { Supervision } from './crews/supervision.ts'
import type { RateLimit, RateLimitStore } from './limits/rate-limit.ts'

/** How many crashes of one agent are too many. */
export interface CrashIntensity {
  readonly crashes: number
  readonly withinMs: number
}

/** How long a circuit stays open: from the first to the longest, doubling with jitter. */
export interface CircuitBackoff {
  readonly initialMs: number
  readonly maxMs: number
}

export interface ScalingSettings {
  /** Runs, working or waiting, that one worker is meant to have: more, and workers are added. @default 2 */
  readonly runsPerWorker?: number
  /** The wait that nineteen of twenty runs should not exceed, in milliseconds: longer, and workers are added. @default 500 */
  readonly targetWaitMs?: number
  /** What was needed at any time of so many milliseconds is kept. @default 60_000 */
  readonly stabilisationMs?: number
  /** A worker beyond the least number is ended after so long without work, in milliseconds. @default 60_000 */
  readonly idleEvictMs?: number
}

export interface AgentPoolSettings {
  /** Most worker threads, shared by the thread agents that have none of their own. @default the processor's parallelism */
  readonly threads?: number
  /** Threads that are kept warm, whether there is work or not. @default `threads`: their number is fixed */
  readonly minThreads?: number
  /** Heap of one worker, in MiB; beyond it the worker dies and the pool lives. A thread's buffers are not counted. @default 512 */
  readonly threadMemoryMb?: number
  /** Longest start of one worker with all modules imported and agents set up, in milliseconds. @default 30_000 */
  readonly startTimeoutMs?: number
  /** When more workers are started, and when they are ended again. @default see `ScalingSettings` */
  readonly scaling?: ScalingSettings
  /** Which workers are replaced when one dies. @default permanent, one for one */
  readonly supervision?: Supervision
  /** How a run finds its worker among the idle ones. @default 'most-recent' */
  readonly route?: RouterStrategy
  /** A worker is replaced after so many runs; 0 is never. @default 0 */
  readonly recycleAfterRuns?: number
  /** A worker is replaced when it is so old, in milliseconds, one at a time; 0 is never. @default 0 */
  readonly recycleAfterMs?: number
  /**
   * A worker is replaced when it holds more than so many MiB after a run: a thread's heap and buffers, a process's
   * resident set; 0 is never. @default 0
   */
  readonly recycleAboveMb?: number
  /** Workers at rest, and inline agents, are asked so often, in milliseconds, whether they are alive and ready; 0 is never. @default 0 */
  readonly probeIntervalMs?: number
  /** A worker that does not answer for so long is killed; an inline agent is not ready. @default 5_000 */
  readonly probeTimeoutMs?: number
  /** Workers are looked after so often, in milliseconds, where there is something to look after. @default 1_000 */
  readonly upkeepMs?: number
  /** How often agents may call upstreams, by `context.permit`. @default none */
  readonly rateLimits?: Readonly<Record<string, RateLimit>>
  /** Where the rate limits are counted, so that processes share them. @default this process alone */
  readonly rateLimitStore?: RateLimitStore
  /** Slots of an inline agent that names none. @default 16 */
  readonly inlineSlots?: number
  /** Most waiting runs of an agent that names no limit. @default 1_000 */
  readonly queueLimit?: number
  /** Most waiting runs of one tenant and agent. @default the agent's `queueLimit` */
  readonly tenantQueueLimit?: number
  /** Longest wait for a slot, in milliseconds. @default 300_000 */
  readonly queueTimeoutMs?: number
  /** Longest run of an agent that names no limit, in milliseconds. @default 300_000 */
  readonly runTimeoutMs?: number
  /** Time between the abort of a run's signal and the death of its worker, in milliseconds. @default 1_000 */
  readonly cancelGraceMs?: number
  /** A waiting run rises by one priority each so many milliseconds. @default 10_000 */
  readonly ageingMs?: number
  /** Progress reports of one run are at least so far apart, in milliseconds. @default 100 */
  readonly progressIntervalMs?: number
  /** Largest progress report, in characters of JSON. @default 16_384 */
  readonly progressMaxChars?: number
  /** Crashes after which an agent's circuit opens. @default 5 within 60_000 ms */
  readonly crashIntensity?: CrashIntensity
  /** How long it stays open. @default 5_000 to 300_000 ms */
  readonly circuitBackoff?: CircuitBackoff
  /** How long `stop()` lets runs finish, in milliseconds. @default 10_000 */
  readonly stopDeadlineMs?: number
  /** File of the thread's entry point: only for an application that bundles this package. @default the one beside it */
  readonly workerModule?: URL
  /** The same for child processes. @default the one beside it */
  readonly processModule?: URL
  /** @default the system's */
  readonly clock?: Clock
  /** Numbers from 0 to 1 for jitter and routing, so that a test can repeat itself. @default Math.random */
  readonly random?: () => number
}
