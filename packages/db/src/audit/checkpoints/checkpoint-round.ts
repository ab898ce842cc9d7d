import type { TypedEvents } from '@cidadao/contracts'
import { AnchorUnavailableError } from '../anchors/anchor-errors.ts'
import { signCheckpoint } from '../transparency/checkpoint.ts'
import { AuditTree } from '../tree/audit-tree.ts'
import { isAnchorFailure, type AnchorState } from './anchor-state.ts'
import { AuditHistoryError } from './checkpoint-errors.ts'
import type { CheckpointEvents } from './checkpoint-events.ts'
import { CheckpointStore, type LogProgress, type StoredCheckpoint } from './checkpoint-store.ts'
import type { ConsistencySource, ResolvedCheckpointerOptions } from './checkpointer-options.ts'
import { SignedHistory, type HistoryClaim } from './signed-history.ts'
import { readTrusted, trustKeys, type TrustedKeys } from './trusted-checkpoint.ts'

export const CHECKPOINT_OUTCOMES = ['signed', 'current', 'overtaken', 'empty'] as const

/**
 * How a round ended: a checkpoint was `signed`, or nothing was new (`current`), or another process signed first
 * (`overtaken`; what it signed is put to the anchors by it), or the log was never opened (`empty`).
 */
export type CheckpointOutcome = (typeof CHECKPOINT_OUTCOMES)[number]

/** What a round does: sign what is new, or only bring the anchors up to what is signed. */
export const ROUND_AIMS = ['sign', 'publish'] as const
export type RoundAim = (typeof ROUND_AIMS)[number]

interface Answers {
  readonly claims: readonly HistoryClaim[]
  readonly answered: readonly AnchorState[]
}

/**
 * One pass of the checkpointer over a set of anchors: ask them what they hold, recompute the log, compare, sign, store,
 * put. Whoever is killed between two of these steps leaves nothing that the next pass, by any process, does not mend.
 */
export class CheckpointRound {
  readonly #options: ResolvedCheckpointerOptions
  readonly #events: TypedEvents<CheckpointEvents>
  readonly #keys: TrustedKeys
  readonly #history: SignedHistory
  readonly #tree: ConsistencySource
  readonly #store = new CheckpointStore()

  constructor(options: ResolvedCheckpointerOptions, events: TypedEvents<CheckpointEvents>) {
    const { origin, signers, formerKeys } = options
    this.#options = options
    this.#events = events
    const own = signers.filter(({ name }) => name === origin).map(({ vkey }) => vkey)
    this.#keys = trustKeys(origin, [...new Set([...own, ...formerKeys])])
    this.#tree = options.tree ?? new AuditTree()
    this.#history = new SignedHistory(this.#keys, this.#tree)
  }

  progress(after: number): Promise<LogProgress> {
    return this.#store.progress(this.#options.sql, after)
  }

  async run(aim: RoundAim, anchors: readonly AnchorState[], signal: AbortSignal): Promise<CheckpointOutcome> {
    const { sql } = this.#options
    const before = await this.progress(0)
    if (before.headSeq === 0 && before.newest === undefined) return 'empty'
    const { claims, answered } = await this.#ask(anchors, before.newest?.note, signal)
    if (aim === 'sign' && answered.length === 0) {
      throw new AnchorUnavailableError('all', 'nothing is signed while no anchor tells what was signed before')
    }
    // Only now, so that whatever the anchors have seen had been committed when the log is looked at.
    const { headSeq, newest } = await this.progress(0)
    const stored = newest === undefined ? [] : [this.#claimOf(newest)]
    const root = await this.#history.rootAt(sql, headSeq, [...stored, ...claims], signal)
    for (const { source, size } of claims) this.#note(source, size, answered)
    if (aim === 'publish' || headSeq === newest?.size) {
      if (newest !== undefined) await this.#publish(newest, answered, signal)
      return 'current'
    }
    return this.#sign({ size: headSeq, root, previous: newest?.size ?? 0 }, answered, signal)
  }

  async #sign(
    next: { readonly size: number; readonly root: Uint8Array; readonly previous: number },
    answered: readonly AnchorState[],
    signal: AbortSignal,
  ): Promise<CheckpointOutcome> {
    const { origin, signers, sql, clock } = this.#options
    const { size, root, previous } = next
    const startedMs = clock.monotonicMs()
    const note = signCheckpoint({ origin, size, root }, signers)
    signal.throwIfAborted()
    if ((await this.#store.add(sql, { previous, size, note })) === 'overtaken') return 'overtaken'
    this.#events.emit('signed', { size, entries: size - previous, durationMs: clock.monotonicMs() - startedMs })
    await this.#publish({ size, note }, answered, signal)
    return 'signed'
  }

  /** Side by side: a slow anchor does not keep the others waiting. */
  async #publish(newest: Pick<StoredCheckpoint, 'size' | 'note'>, answered: readonly AnchorState[], signal: AbortSignal): Promise<void> {
    const behind = answered.filter((anchor) => anchor.size < newest.size)
    const outcomes = await Promise.allSettled(behind.map((anchor) => this.#put(anchor, newest, signal)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  async #put(anchor: AnchorState, { size, note }: Pick<StoredCheckpoint, 'size' | 'note'>, signal: AbortSignal): Promise<void> {
    const { sql } = this.#options
    const { root } = this.#claimOf({ size, note })
    try {
      const { cosignatures } = await anchor.put({
        note,
        size,
        signal,
        consistencyFrom: (oldSize) => this.#tree.consistency(sql, oldSize, { size, root }),
      })
      if (cosignatures.length > 0) await this.#store.cosign(sql, size, cosignatures)
    } catch (error) {
      this.#failed(anchor, error, signal)
      return
    }
    anchor.covers(size)
    this.#events.emit('anchored', { anchor: anchor.name, size })
  }

  async #ask(anchors: readonly AnchorState[], known: string | undefined, signal: AbortSignal): Promise<Answers> {
    const claims: HistoryClaim[] = []
    const answered: AnchorState[] = []
    const ask = async (anchor: AnchorState): Promise<void> => {
      try {
        const claim = await anchor.read(known, this.#keys, signal)
        answered.push(anchor)
        if (claim !== undefined) claims.push(claim)
      } catch (error) {
        this.#failed(anchor, error, signal)
      }
    }
    const outcomes = await Promise.allSettled(anchors.map(ask))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return { claims, answered }
  }

  #note(source: string, size: number, answered: readonly AnchorState[]): void {
    const anchor = answered.find(({ name }) => name === source)
    if (anchor === undefined) return
    const isNew = anchor.size !== size
    anchor.covers(size)
    if (isNew) this.#events.emit('anchored', { anchor: source, size })
  }

  /** Stopping is not a failure of the anchor; everything that is not by it would be hidden by a retry. */
  #failed(anchor: AnchorState, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) throw signal.reason
    const failure = anchor.failed(error)
    this.#events.emit('anchor-failed', { anchor: anchor.name, ...failure })
    this.#options.logger.warn('an audit anchor failed', { anchor: anchor.name, ...failure })
    if (!isAnchorFailure(error)) throw error
  }

  #claimOf({ size, note }: Pick<StoredCheckpoint, 'size' | 'note'>): {
    readonly source: string
    readonly size: number
    readonly root: Uint8Array
  } {
    const verdict = readTrusted(note, this.#keys)
    if (verdict.outcome === 'refused') {
      throw new AuditHistoryError(
        'signature',
        'database',
        `the checkpoint of ${size} entries in the database cannot be believed: ${verdict.reason}`,
      )
    }
    const { checkpoint } = verdict
    if (checkpoint.size !== size) {
      throw new AuditHistoryError('signature', 'database', `the checkpoint stored as ${size} is of ${checkpoint.size} entries`)
    }
    return { source: 'database', size, root: checkpoint.root }
  }
}
