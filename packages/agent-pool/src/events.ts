import type { CrashReason } from './errors.ts'

export const RUN_OUTCOMES = ['succeeded', 'failed', 'cancelled', 'timed-out', 'crashed', 'handed-back', 'refused'] as const

/**
 * How an admitted run ended. `failed`: the agent threw or returned the wrong shape. `timed-out`: queue timeout, run
 * timeout or deadline. `refused`: its agent's circuit opened while it waited.
 */
export type RunOutcome = (typeof RUN_OUTCOMES)[number]

/** What happens in the pool. Labels are bounded: agents' names, never ids, tenants or inputs. */
export interface AgentPoolEvents {
  /** A run has to wait for a slot. */
  readonly runQueued: { readonly agent: string; readonly queued: number }
  /** A run began; `queuedMs` is how long it waited. */
  readonly runStarted: { readonly agent: string; readonly queuedMs: number }
  /** An admitted run ended; `runMs` is 0 where it never began. */
  readonly runFinished: { readonly agent: string; readonly outcome: RunOutcome; readonly queuedMs: number; readonly runMs: number }
  /** A run was not admitted; `code` is the error's. */
  readonly runRejected: { readonly agent: string; readonly code: string }
  /** An inline run ignored its signal beyond the grace period. It may still be going on: nothing can stop it. */
  readonly runAbandoned: { readonly agent: string }
  /** A transient failure: the run is tried again in `delayMs`, as its attempt number `attempt`. */
  readonly runRetried: { readonly agent: string; readonly attempt: number; readonly delayMs: number; readonly error: Error }
  /** A caller's `onProgress` threw; the run goes on. */
  readonly progressListenerFailed: { readonly agent: string; readonly error: Error }
  /** A worker, thread or process, is warm and takes runs; `threads` is how many its crew has now. */
  readonly threadStarted: { readonly crew: string; readonly threads: number }
  /** A worker died on its own; `agent` is the one it ran, or ran last. */
  readonly threadCrashed: { readonly crew: string; readonly agent: string | null; readonly reason: CrashReason }
  /** A worker was killed because its run did not stop within the grace period, or because it did not answer a probe. */
  readonly threadKilled: { readonly crew: string; readonly agent: string | null }
  /** A worker was due for recycling, by its runs, age or memory, and was replaced by a fresh one. */
  readonly threadRecycled: { readonly crew: string; readonly runs: number }
  /** A worker did not come up; the next try is in `retryMs`. */
  readonly threadStartFailed: { readonly crew: string; readonly error: Error; readonly retryMs: number }
  /** Workers had been idle for long, and nobody needed them lately. */
  readonly workersEvicted: { readonly crew: string; readonly workers: number }
  /** Workers are replaced because another died, as their supervision says. */
  readonly workersRestarted: { readonly crew: string; readonly workers: number }
  /** A worker at rest did not answer; it is being killed. */
  readonly workerUnresponsive: { readonly crew: string }
  /** An agent said that it cannot work now; it is given no runs there until it no longer says so. */
  readonly agentUnready: { readonly agent: string; readonly error: Error }
  /** An inline agent's `dispose` failed while the pool stopped. */
  readonly agentDisposeFailed: { readonly agent: string; readonly error: Error }
  /** The shared store of rate limits did not answer; this process goes by a count of its own meanwhile. */
  readonly rateLimitStoreFailed: { readonly upstream: string; readonly error: Error }
  /** An agent crashed too often: its runs are refused for `openMs`. */
  readonly circuitOpened: { readonly agent: string; readonly openMs: number }
  /** One run is let through to see whether the agent has recovered. */
  readonly circuitHalfOpened: { readonly agent: string }
  /** The agent works again. */
  readonly circuitClosed: { readonly agent: string }
  /** A drain ended. */
  readonly drained: { readonly handedBack: number }
}
