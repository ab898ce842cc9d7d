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
  /** A caller's `onProgress` threw; the run goes on. */
  readonly progressListenerFailed: { readonly agent: string; readonly error: Error }
  /** A thread is warm and takes runs. */
  readonly threadStarted: { readonly threads: number }
  /** A thread died on its own; `agent` is the one it ran, or ran last. It is being replaced. */
  readonly threadCrashed: { readonly agent: string | null; readonly reason: CrashReason }
  /** A thread was killed because its run did not stop within the grace period. It is being replaced. */
  readonly threadKilled: { readonly agent: string | null }
  /** A thread had served its `recycleAfterRuns` and was replaced by a fresh one. */
  readonly threadRecycled: { readonly runs: number }
  /** A replacement did not come up; the next try is in `retryMs`. */
  readonly threadStartFailed: { readonly error: Error; readonly retryMs: number }
  /** An agent crashed too often: its runs are refused for `openMs`. */
  readonly circuitOpened: { readonly agent: string; readonly openMs: number }
  /** One run is let through to see whether the agent has recovered. */
  readonly circuitHalfOpened: { readonly agent: string }
  /** The agent works again. */
  readonly circuitClosed: { readonly agent: string }
  /** A drain ended. */
  readonly drained: { readonly handedBack: number }
}
