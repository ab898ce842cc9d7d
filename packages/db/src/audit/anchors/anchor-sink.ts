import type { Hash } from '../hash-chain.ts'

/** What an anchor holds. A witness remembers only how large a tree it has seen. */
export type AnchorHead =
  { readonly kind: 'nothing' } | { readonly kind: 'note'; readonly note: string } | { readonly kind: 'size'; readonly size: number }

export interface AnchorQuestion {
  /** The newest signed checkpoint that the database holds; some anchors answer only to one. */
  readonly known: string | undefined
  readonly signal: AbortSignal
}

export interface AnchorSubmission {
  /** A signed checkpoint, verbatim. */
  readonly note: string
  readonly size: number
  /** RFC 6962 proof that this checkpoint continues the tree of `oldSize` entries. */
  consistencyFrom(oldSize: number): Promise<readonly Hash[]>
  readonly signal: AbortSignal
}

export interface AnchorReceipt {
  /** Signature lines that the anchor adds to the note, without line feeds; checked by the anchor's own code. */
  readonly cosignatures: readonly string[]
}

/**
 * A place out of reach of the database's owner where checkpoints are kept. Further ones (an object store with object
 * lock, an RFC 3161 time-stamping authority) are written against this interface; the package has none of them.
 *
 * Both methods keep to the signal and throw `AnchorUnavailableError`, `AnchorRefusedError` or `AnchorConflictError`.
 */
export interface AnchorSink {
  /** Different for each anchor of a log; stands in events and statistics. */
  readonly name: string
  /** The checkpoint of the largest tree that it holds. What it says is not trusted before its signature is checked. */
  latest(question: AnchorQuestion): Promise<AnchorHead>
  /** Keeps the checkpoint; it is durable when this resolves. Doing it twice does no harm, also from two processes. */
  put(submission: AnchorSubmission): Promise<AnchorReceipt>
}

/** The receipt of an anchor that keeps notes and signs nothing. */
export const KEPT: AnchorReceipt = Object.freeze({ cosignatures: [] })
