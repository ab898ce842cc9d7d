import { defineService, delay, systemClock, TypedEvents, type Clock, type EventSource, type Service, type Timer } from '@cidadao/contracts'
import { requireInteger } from '../../option-checks.ts'
import type { SqlExecutor } from '../../sql-executor.ts'
import type { AuditEntry, PreparedEntry } from '../audit-entry.ts'
import type { AuditLog, AuditReceipt } from '../audit-log.ts'
import { AuditBatchAbandonedError, AuditBatcherClosedError, AuditQueueFullError } from './batcher-errors.ts'

export interface AuditBatcherOptions {
  /** Where to append, each batch in a transaction of its own: `db.sql`. */
  readonly sql: SqlExecutor
  /** `db.audit`. */
  readonly log: Pick<AuditLog, 'prepare' | 'appendPrepared'>
  /** Longest time that an entry waits for company, in milliseconds. @default 10 */
  readonly lingerMs?: number
  /** Entries that go together; so many are sent at once. @default 50 */
  readonly maxBatch?: number
  /** Entries that may wait, those on their way included. @default 1_000 */
  readonly maxWaiting?: number
  /** Longest time for what waits while stopping, in milliseconds. @default 5_000 */
  readonly stopDeadlineMs?: number
  /** @default the system's */
  readonly clock?: Clock
}

/** What the batcher tells. */
export interface AuditBatcherEvents {
  /** A batch was committed. */
  readonly appended: { readonly entries: number; readonly durationMs: number }
  /** A batch was not committed, or not surely; its callers have been told. */
  readonly 'batch-failed': { readonly entries: number; readonly code: string }
  /** An entry was refused, since too many wait. */
  readonly refused: { readonly waiting: number }
}

export interface AuditBatcherStats {
  /** Entries that wait, those on their way included. */
  readonly waiting: number
  readonly appended: number
  readonly failed: number
  readonly refused: number
}

interface Waiting {
  readonly entry: PreparedEntry
  readonly resolve: (receipt: AuditReceipt) => void
  readonly reject: (error: unknown) => void
}

const DEFAULTS = Object.freeze({ lingerMs: 10, maxBatch: 50, maxWaiting: 1_000, stopDeadlineMs: 5_000 })
const LARGEST_BATCH = 1_000

/**
 * Appends entries that belong to no state change, such as reads and refusals, many in one transaction: the log takes one
 * writer at a time, so that a commit for each entry is what limits it. An entry that tells of a change does not belong
 * here but in the change's own transaction, and fails together with it.
 *
 * Idle until the first entry; then it gathers, for `lingerMs` or until `maxBatch`; then one batch is on its way while
 * the next one gathers. Each caller waits for the commit of its own entry. A failure reaches the callers of that batch
 * and nobody else; what they were about to do must not be done then.
 */
export class AuditBatcher implements Service {
  readonly name = 'audit-batcher'
  readonly events: EventSource<AuditBatcherEvents>
  readonly #options: Required<AuditBatcherOptions>
  readonly #events = new TypedEvents<AuditBatcherEvents>()
  readonly #lifecycle: Service
  readonly #counts = { appended: 0, failed: 0, refused: 0 }
  #open = false
  #gathering: Waiting[] = []
  #underway: readonly Waiting[] = []
  #timer: Timer | undefined
  #isLate = false
  #onIdle: () => void = () => {}

  constructor(options: AuditBatcherOptions) {
    this.#options = resolveBatcherOptions(options)
    this.events = this.#events
    this.#lifecycle = defineService({
      name: this.name,
      start: async () => {
        this.#open = true
      },
      stop: () => this.#finish(),
    })
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** Takes nothing more, and sends what waits; what is not committed by the deadline is rejected. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /**
   * Resolves once the entry is committed. Rejects at once with `AuditEntryError` or `CanonicalJsonError` for an invalid
   * entry and with `AuditQueueFullError` where too many wait; later with whatever kept its batch from being committed.
   */
  async append(entry: AuditEntry): Promise<AuditReceipt> {
    if (!this.#open) throw new AuditBatcherClosedError('the audit batcher is not started, or has been stopped')
    const prepared = this.#options.log.prepare(entry)
    const waiting = this.#waiting
    if (waiting >= this.#options.maxWaiting) {
      this.#counts.refused += 1
      this.#events.emit('refused', { waiting })
      throw new AuditQueueFullError(waiting)
    }
    return new Promise((resolve, reject) => {
      this.#gathering.push({ entry: prepared, resolve, reject })
      this.#timer ??= this.#options.clock.schedule(
        this.#options.lingerMs,
        () => {
          this.#isLate = true
          this.#send()
        },
        { keepAlive: true },
      )
      this.#send()
    })
  }

  stats(): AuditBatcherStats {
    return Object.freeze({ waiting: this.#waiting, ...this.#counts })
  }

  get #waiting(): number {
    return this.#gathering.length + this.#underway.length
  }

  /** Starts a batch where one is due and none is on its way. */
  #send(): void {
    const { maxBatch } = this.#options
    const isDue = this.#gathering.length >= maxBatch || (this.#gathering.length > 0 && (this.#isLate || !this.#open))
    if (!isDue || this.#underway.length > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
    // What stays behind has waited for as long as that batch was on its way, and goes with the next.
    this.#isLate = this.#gathering.length > maxBatch
    this.#underway = this.#gathering.splice(0, maxBatch)
    void this.#carry(this.#underway).finally(() => {
      this.#underway = []
      this.#send()
      if (this.#waiting === 0) this.#onIdle()
    })
  }

  async #carry(batch: readonly Waiting[]): Promise<void> {
    const { sql, log, clock } = this.#options
    const startedMs = clock.monotonicMs()
    try {
      const receipts = await log.appendPrepared(
        sql,
        batch.map(({ entry }) => entry),
      )
      this.#counts.appended += batch.length
      for (const [index, { resolve, reject }] of batch.entries()) {
        const receipt = receipts[index]
        if (receipt === undefined) reject(new Error('the database gave fewer receipts than entries'))
        else resolve(receipt)
      }
      this.#events.emit('appended', { entries: batch.length, durationMs: clock.monotonicMs() - startedMs })
    } catch (error) {
      this.#fail(batch, error)
    }
  }

  #fail(batch: readonly Waiting[], error: unknown): void {
    this.#counts.failed += batch.length
    for (const { reject } of batch) reject(error)
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    this.#events.emit('batch-failed', { entries: batch.length, code })
  }

  async #finish(): Promise<void> {
    this.#open = false
    const ended = new AbortController()
    const idle = new Promise<'idle'>((resolve) => {
      this.#onIdle = () => resolve('idle')
    })
    this.#send()
    if (this.#waiting === 0) return
    const deadline = delay(this.#options.clock, this.#options.stopDeadlineMs, ended.signal).then(
      () => 'late' as const,
      () => 'idle' as const,
    )
    if ((await Promise.race([idle, deadline])) === 'late') this.#abandon()
    ended.abort()
  }

  #abandon(): void {
    const unsent = this.#gathering.splice(0)
    if (unsent.length > 0) this.#fail(unsent, new AuditBatcherClosedError('the audit batcher was stopped before the entry was sent'))
    const sent = this.#underway
    if (sent.length > 0) this.#fail(sent, new AuditBatchAbandonedError('the audit batcher was stopped while the entry was on its way'))
  }
}

/** A batcher that takes entries once started. Throws `InvalidOptionsError`. */
export function createAuditBatcher(options: AuditBatcherOptions): AuditBatcher {
  return new AuditBatcher(options)
}

function resolveBatcherOptions(options: AuditBatcherOptions): Required<AuditBatcherOptions> {
  const resolved = { ...DEFAULTS, clock: systemClock, ...options }
  requireInteger('lingerMs', resolved.lingerMs, { min: 0, max: 1_000 })
  requireInteger('maxBatch', resolved.maxBatch, { min: 1, max: LARGEST_BATCH })
  requireInteger('maxWaiting', resolved.maxWaiting, { min: resolved.maxBatch })
  requireInteger('stopDeadlineMs', resolved.stopDeadlineMs, { min: 1 })
  return Object.freeze(resolved)
}
