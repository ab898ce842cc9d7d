import type { AuditFault } from '../chain-replay.ts'

/** What the checkpointer tells. Payloads hold names, sizes, codes and durations. */
export interface CheckpointEvents {
  /** A checkpoint was signed and stored; `entries` are those it covers and the one before does not. */
  readonly signed: { readonly size: number; readonly entries: number; readonly durationMs: number }
  /** An anchor keeps, or is found to keep, the checkpoint of this size. */
  readonly anchored: { readonly anchor: string; readonly size: number }
  /** An anchor could not be read or written; it is tried again after `retryInMs`. */
  readonly 'anchor-failed': { readonly anchor: string; readonly code: string; readonly failures: number; readonly retryInMs: number }
  /** The log is not the continuation of what was signed: nothing is signed any more. */
  readonly 'history-broken': { readonly kind: AuditFault; readonly source: string; readonly detail: string }
  /** A round ended in another error; the next one comes. */
  readonly failed: { readonly code: string }
}
