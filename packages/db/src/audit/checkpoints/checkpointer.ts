import { defineService, delay, TypedEvents, type EventSource, type Service, type Timer } from '@cidadao/contracts'
import type { AuditFault } from '../chain-replay.ts'
import { AnchorState, codeOf, type AnchorSnapshot } from './anchor-state.ts'
import { AuditHistoryError } from './checkpoint-errors.ts'
import type { CheckpointEvents } from './checkpoint-events.ts'
import { CheckpointRound, type CheckpointOutcome, type RoundAim } from './checkpoint-round.ts'
import type { LogProgress } from './checkpoint-store.ts'
import { resolveCheckpointerOptions, type CheckpointerOptions, type ResolvedCheckpointerOptions } from './checkpointer-options.ts'

export const CHECKPOINTER_STATES = ['waiting', 'working', 'failing', 'history-broken'] as const

/**
 * `waiting` for its first round · `working` · `failing`: the last round ended in an error, and is tried again ·
 * `history-broken`: the log is not the continuation of what was signed, and nothing is signed.
 */
export type CheckpointerState =
  | { readonly state: 'waiting' | 'working' }
  | { readonly state: 'failing'; readonly code: string }
  | { readonly state: 'history-broken'; readonly code: string; readonly kind: AuditFault; readonly source: string; readonly detail: string }

export interface CheckpointerStats {
  readonly condition: CheckpointerState
  /** Entries of the log when it was last looked at. */
  readonly entries: number
  /** The newest signed checkpoint; null for none. */
  readonly signed: { readonly size: number; readonly at: Date } | null
  /** Entries that no anchor covers: an owner of the database could still rewrite them unseen. */
  readonly unanchoredEntries: number
  /** Age of the oldest of them, in milliseconds; 0 where there are none. */
  readonly oldestUnanchoredMs: number
  readonly anchors: readonly AnchorSnapshot[]
}

/**
 * Signs the log's state and puts it where the database's owner cannot reach: after `intervalMs` or `maxEntries` new
 * entries, and at the end. Any number of processes may run one over the same log: each stored checkpoint continues
 * exactly one other, so of two that sign at once one is dropped unpublished, and both would tell the same history.
 */
export class Checkpointer implements Service {
  readonly name = 'audit-checkpointer'
  readonly events: EventSource<CheckpointEvents>
  readonly #options: ResolvedCheckpointerOptions
  readonly #events = new TypedEvents<CheckpointEvents>()
  readonly #round: CheckpointRound
  readonly #anchors: readonly AnchorState[]
  readonly #lifecycle: Service
  #condition: CheckpointerState = { state: 'waiting' }
  #progress: LogProgress | undefined
  /** Since when there are entries that the newest checkpoint does not cover, by the monotonic clock. */
  #pendingSinceMs: number | undefined
  /** A broken history is looked at again, and all of the log read for it, no more often than checkpoints are due. */
  #brokenUntilMs = Number.NEGATIVE_INFINITY
  #last: Promise<unknown> = Promise.resolve()
  #timer: Timer | undefined
  #stopping = new AbortController()

  constructor(options: CheckpointerOptions) {
    this.#options = resolveCheckpointerOptions(options)
    this.events = this.#events
    this.#round = new CheckpointRound(this.#options, this.#events)
    this.#anchors = this.#options.anchors.map((sink) => new AnchorState(sink, this.#options))
    this.#lifecycle = defineService({ name: this.name, start: async () => this.#begin(), stop: () => this.#end() })
  }

  /** Does not wait for the first round, which reads the whole log. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** Signs and anchors what is new, within `stopDeadlineMs`; then nothing runs any more. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /**
   * A round at once, over all anchors, whatever is due. Rejects with `AuditHistoryError`, and with
   * `AnchorUnavailableError` where no anchor answers; single anchors that fail are told by `stats()`.
   */
  async runOnce(signal?: AbortSignal): Promise<CheckpointOutcome> {
    return this.#exclusively(() => this.#run('sign', this.#anchors, signal ?? this.#stopping.signal))
  }

  stats(): CheckpointerStats {
    const { headSeq = 0, newest, oldestAfter } = this.#progress ?? {}
    const unanchoredEntries = Math.max(0, headSeq - this.#anchoredTo)
    const oldestMs = unanchoredEntries === 0 ? undefined : oldestAfter?.getTime()
    return Object.freeze({
      condition: this.#condition,
      entries: headSeq,
      signed: newest === undefined ? null : { size: newest.size, at: newest.createdAt },
      unanchoredEntries,
      oldestUnanchoredMs: oldestMs === undefined ? 0 : Math.max(0, this.#options.clock.now().getTime() - oldestMs),
      anchors: this.#anchors.map((anchor) => anchor.snapshot()),
    })
  }

  get #anchoredTo(): number {
    return Math.max(...this.#anchors.map(({ size }) => size))
  }

  #begin(): void {
    this.#stopping = new AbortController()
    this.#schedule(0)
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#options.clock.schedule(delayMs, () => {
      void this.#exclusively(() => this.#poll()).then(() => {
        if (!this.#stopping.signal.aborted && this.#timer !== undefined) this.#schedule(this.#options.pollIntervalMs)
      })
    })
  }

  async #end(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const { clock, stopDeadlineMs, logger } = this.#options
    const ended = new AbortController()
    const deadline = delay(clock, stopDeadlineMs, ended.signal).then(
      () => {
        logger.warn('the last audit checkpoint was not made in time')
        this.#stopping.abort(new DOMException('the checkpointer is stopping', 'AbortError'))
      },
      // The usual end: everything was done before the deadline.
      () => 'in time',
    )
    await Promise.race([this.#exclusively(() => this.#finish()), deadline])
    ended.abort()
    this.#stopping.abort(new DOMException('the checkpointer has stopped', 'AbortError'))
    await this.#last
  }

  /** One round after the other; the error of one is not the error of the next. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => 'told where it happened')
    return mine
  }

  async #finish(): Promise<void> {
    await this.#guarded(async () => {
      const { headSeq, newest } = await this.#look()
      const isBehind = this.#anchors.some(({ size }) => size < (newest?.size ?? 0))
      if (headSeq > (newest?.size ?? 0) || isBehind) await this.#run('sign', this.#anchors, this.#stopping.signal)
    })
  }

  async #poll(): Promise<void> {
    await this.#guarded(async () => {
      const progress = await this.#look()
      if (this.#options.clock.monotonicMs() < this.#brokenUntilMs) return
      const isDue = this.#isDue(progress)
      const ready = this.#anchors.filter((anchor) => anchor.isDue)
      const behind = ready.filter(({ size }) => size < (progress.newest?.size ?? 0))
      if (isDue && ready.length > 0) await this.#run('sign', ready, this.#stopping.signal)
      else if (behind.length > 0) await this.#run('publish', behind, this.#stopping.signal)
    })
  }

  /** What a round in the background throws is seen in the events and the statistics. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#report(error)
    }
  }

  async #run(aim: RoundAim, anchors: readonly AnchorState[], signal: AbortSignal): Promise<CheckpointOutcome> {
    try {
      const outcome = await this.#round.run(aim, anchors, signal)
      this.#condition = { state: 'working' }
      await this.#look()
      return outcome
    } catch (error) {
      if (!signal.aborted) this.#remember(error)
      throw error
    }
  }

  #remember(error: unknown): void {
    const { clock, intervalMs } = this.#options
    this.#brokenUntilMs = error instanceof AuditHistoryError ? clock.monotonicMs() + intervalMs : Number.NEGATIVE_INFINITY
    this.#condition =
      error instanceof AuditHistoryError
        ? { state: 'history-broken', code: error.code, kind: error.kind, source: error.source, detail: error.message }
        : { state: 'failing', code: codeOf(error) }
  }

  #report(error: unknown): void {
    this.#remember(error)
    const { logger } = this.#options
    if (error instanceof AuditHistoryError) {
      const { kind, source, message: detail } = error
      logger.error('the audit log is not the continuation of what was signed', { kind, source, detail })
      this.#events.emit('history-broken', { kind, source, detail })
    } else {
      logger.warn('an audit checkpoint was not made', { code: codeOf(error) })
      this.#events.emit('failed', { code: codeOf(error) })
    }
  }

  async #look(): Promise<LogProgress> {
    const progress = await this.#round.progress(this.#anchoredTo)
    this.#progress = progress
    const isPending = progress.headSeq > (progress.newest?.size ?? 0)
    this.#pendingSinceMs = isPending ? (this.#pendingSinceMs ?? this.#options.clock.monotonicMs()) : undefined
    return progress
  }

  /** The first round comes at once: a log that was restored or cut while nobody looked is told at the start. */
  #isDue({ headSeq, newest }: LogProgress): boolean {
    if (this.#condition.state !== 'working') return headSeq > 0
    if (headSeq - (newest?.size ?? 0) >= this.#options.maxEntries) return true
    const { clock, intervalMs } = this.#options
    return this.#pendingSinceMs !== undefined && clock.monotonicMs() - this.#pendingSinceMs >= intervalMs
  }
}

/** A checkpointer that works once started. Throws `InvalidOptionsError`. */
export function createCheckpointer(options: CheckpointerOptions): Checkpointer {
  return new Checkpointer(options)
}
