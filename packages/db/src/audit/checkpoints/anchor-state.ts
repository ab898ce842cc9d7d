import { delay, hasCode, toError, type Clock } from '@cidadao/contracts'
import { AnchorRefusedError, AnchorUnavailableError } from '../anchors/anchor-errors.ts'
import type { AnchorReceipt, AnchorSink, AnchorSubmission } from '../anchors/anchor-sink.ts'
import type { HistoryClaim } from './signed-history.ts'
import { readTrusted, type TrustedKeys } from './trusted-checkpoint.ts'

export interface AnchorTiming {
  readonly clock: Clock
  readonly anchorDeadlineMs: number
  readonly initialRetryMs: number
  readonly maxRetryMs: number
}

/** What an anchor told, once it is known to be by the log; `note` where it gave back a whole checkpoint. */
export interface AnchorAnswer extends HistoryClaim {
  readonly note: string | undefined
}

/** An anchor as statistics show it. */
export interface AnchorSnapshot {
  readonly name: string
  /** Entries that it covers, as far as is known; 0 for none. */
  readonly size: number
  /** Failures since it last worked; 0 while it works. */
  readonly failures: number
  /** Code of the last failure; null while it works. */
  readonly code: string | null
}

/**
 * One anchor as the checkpointer sees it: how far it covers the log, and when it may be tried again after a failure.
 * A sink that neither answers nor keeps to its signal is given up on after the deadline all the same.
 */
export class AnchorState {
  readonly #sink: AnchorSink
  readonly #timing: AnchorTiming
  #size = 0
  #failures = 0
  #code: string | null = null
  #retryAtMs = Number.NEGATIVE_INFINITY

  constructor(sink: AnchorSink, timing: AnchorTiming) {
    this.#sink = sink
    this.#timing = timing
  }

  get name(): string {
    return this.#sink.name
  }

  /** Entries that it covers, as far as is known. */
  get size(): number {
    return this.#size
  }

  get isDue(): boolean {
    return this.#timing.clock.monotonicMs() >= this.#retryAtMs
  }

  snapshot(): AnchorSnapshot {
    return Object.freeze({ name: this.name, size: this.#size, failures: this.#failures, code: this.#code })
  }

  /** What it holds, once the signature is found to be by one of the log's keys; undefined where it holds nothing. */
  async read(known: string | undefined, keys: TrustedKeys, signal: AbortSignal): Promise<AnchorAnswer | undefined> {
    const head = await this.#inTime(signal, (inner) => this.#sink.latest({ known, signal: inner }))
    if (head.kind === 'nothing') return undefined
    if (head.kind === 'size') return { source: this.name, size: head.size, root: undefined, note: undefined }
    const verdict = readTrusted(head.note, keys)
    if (verdict.outcome === 'refused')
      throw new AnchorRefusedError(this.name, `holds a checkpoint that is not this log's: ${verdict.reason}`)
    return { source: this.name, size: verdict.checkpoint.size, root: verdict.checkpoint.root, note: head.note }
  }

  put(submission: AnchorSubmission): Promise<AnchorReceipt> {
    return this.#inTime(submission.signal, (signal) => this.#sink.put({ ...submission, signal }))
  }

  covers(size: number): void {
    this.#size = size
    this.#failures = 0
    this.#code = null
    this.#retryAtMs = Number.NEGATIVE_INFINITY
  }

  /** Puts off the next try; tells what went wrong. */
  failed(error: unknown): { readonly code: string; readonly failures: number; readonly retryInMs: number } {
    const { clock, initialRetryMs, maxRetryMs } = this.#timing
    const retryInMs = Math.min(maxRetryMs, initialRetryMs * 2 ** Math.min(this.#failures, 30))
    this.#failures += 1
    this.#code = codeOf(error)
    this.#retryAtMs = clock.monotonicMs() + retryInMs
    return { code: this.#code, failures: this.#failures, retryInMs }
  }

  async #inTime<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const { clock, anchorDeadlineMs } = this.#timing
    const over = new AbortController()
    const timeout = delay(clock, anchorDeadlineMs, AbortSignal.any([signal, over.signal])).then(() => {
      throw new AnchorUnavailableError(this.name, `did not answer within ${anchorDeadlineMs} ms`)
    })
    try {
      return await Promise.race([work(AbortSignal.any([signal, over.signal])), timeout])
    } finally {
      over.abort()
      // Ended by the line above, or lost the race: either way it has been told already.
      timeout.catch(() => {})
    }
  }
}

export function codeOf(error: unknown): string {
  const { name } = toError(error)
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : name
}

/** A failure of an anchor, which is retried; everything else is a failure of the round. */
export function isAnchorFailure(error: unknown): boolean {
  return ['DB_AUDIT_ANCHOR_UNAVAILABLE', 'DB_AUDIT_ANCHOR_REFUSED', 'DB_AUDIT_ANCHOR_CONFLICT'].some((code) => hasCode(error, code))
}
