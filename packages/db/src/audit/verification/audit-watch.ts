import { defineService, TypedEvents, type EventSource, type Service, type Timer } from '@cidadao/contracts'
import type { AuditVerification } from '../audit-verifier.ts'
import type { AuditPosition } from '../chain-replay.ts'
import { AnchorState, codeOf, type AnchorAnswer } from '../checkpoints/anchor-state.ts'
import { readTrusted, trustKeys, type TrustedKeys } from '../checkpoints/trusted-checkpoint.ts'
import type { AuditWatchEvents } from './watch-events.ts'
import { resolveWatchOptions, type AuditWatchOptions, type ResolvedAuditWatchOptions } from './watch-options.ts'
import type { AuditWatchStats, WatchMode, WatchReport } from './watch-report.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** The anchors are read once a verification, so a failure is not followed by another question soon. */
const NO_RETRY = { initialRetryMs: 1, maxRetryMs: 1 }

/**
 * Verifies the log again and again: what is new every few minutes, everything once a night, both against the newest
 * checkpoint that an anchor holds. How far it got it remembers in memory only, where the database's owner cannot write;
 * so the first verification of a process is a full one. One at a time in a process; several processes may each run one.
 */
export class AuditWatch implements Service {
  readonly name = 'audit-watch'
  readonly events: EventSource<AuditWatchEvents>
  readonly #options: ResolvedAuditWatchOptions
  readonly #events = new TypedEvents<AuditWatchEvents>()
  readonly #keys: TrustedKeys
  readonly #anchors: readonly AnchorState[]
  readonly #lifecycle: Service
  #stats: AuditWatchStats = { running: null, lastFull: null, lastIncremental: null, fault: null, error: null }
  #position: AuditPosition | undefined
  #fullDueMs = 0
  #timer: Timer | undefined
  #last: Promise<unknown> = Promise.resolve()
  #stopping = new AbortController()

  constructor(options: AuditWatchOptions) {
    this.#options = resolveWatchOptions(options)
    const { log, vkeys, anchors, clock, anchorDeadlineMs } = this.#options
    this.events = this.#events
    this.#keys = trustKeys(log.origin, vkeys)
    this.#anchors = anchors.map((sink) => new AnchorState(sink, { clock, anchorDeadlineMs, ...NO_RETRY }))
    this.#lifecycle = defineService({ name: this.name, start: async () => this.#begin(), stop: () => this.#end() })
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  /** Ends a verification that runs between two of its batches. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /** Verifies at once, after what runs. Resolves with the fault too; rejects only where it cannot look. */
  async runOnce(mode: WatchMode = 'incremental', signal?: AbortSignal): Promise<WatchReport> {
    const mine = this.#last.then(() => this.#verify(this.#position === undefined ? 'full' : mode, signal ?? this.#stopping.signal))
    this.#last = mine.catch(() => 'told to whoever asked')
    return mine
  }

  stats(): AuditWatchStats {
    return Object.freeze({ ...this.#stats })
  }

  #begin(): void {
    this.#stopping = new AbortController()
    this.#fullDueMs = this.#nextFullMs()
    this.#schedule(this.#options.startDelayMs)
  }

  async #end(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#stopping.abort(new DOMException('the scheduled verification has stopped', 'AbortError'))
    await this.#last
  }

  #schedule(delayMs: number): void {
    const { clock, intervalMs, logger } = this.#options
    this.#timer = clock.schedule(delayMs, () => {
      const isFull = clock.now().getTime() >= this.#fullDueMs
      if (isFull) this.#fullDueMs = this.#nextFullMs()
      void this.runOnce(isFull ? 'full' : 'incremental')
        .catch((error: unknown) => {
          if (!this.#stopping.signal.aborted) logger.warn('the audit log could not be verified', { code: codeOf(error) })
        })
        .then(() => {
          if (this.#stopping.signal.aborted || this.#timer === undefined) return
          this.#schedule(Math.max(0, Math.min(intervalMs, this.#fullDueMs - clock.now().getTime())))
        })
    })
  }

  /** The next time that the wall clock shows the hour. */
  #nextFullMs(): number {
    const nowMs = this.#options.clock.now().getTime()
    const todayMs = Math.floor(nowMs / DAY_MS) * DAY_MS + this.#options.fullAtHourUtc * HOUR_MS
    return todayMs > nowMs ? todayMs : todayMs + DAY_MS
  }

  async #verify(mode: WatchMode, signal: AbortSignal): Promise<WatchReport> {
    const { clock } = this.#options
    const startedMs = clock.monotonicMs()
    this.#stats = { ...this.#stats, running: mode }
    try {
      const from = mode === 'full' ? undefined : this.#position
      const anchored = await this.#newestAnchored(signal)
      const verdict = await this.#judge(from, anchored, signal)
      const against = anchored === undefined ? null : { anchor: anchored.source, size: anchored.size }
      const report = Object.freeze({ mode, at: clock.now(), durationMs: clock.monotonicMs() - startedMs, verdict, against })
      this.#conclude(report)
      return report
    } catch (error) {
      if (!signal.aborted) {
        this.#stats = { ...this.#stats, error: codeOf(error) }
        this.#events.emit('failed', { mode, code: codeOf(error) })
      }
      throw error
    } finally {
      this.#stats = { ...this.#stats, running: null }
    }
  }

  #judge(from: AuditPosition | undefined, anchored: AnchorAnswer | undefined, signal: AbortSignal): Promise<AuditVerification> {
    const { log, sql, vkeys } = this.#options
    const note = anchored?.note
    const verdict = note === undefined ? undefined : readTrusted(note, this.#keys)
    // One that covers no more than was verified already was compared then.
    const isNews = verdict?.outcome === 'trusted' && verdict.checkpoint.size >= (from?.seq ?? 0)
    return log.verify(sql, {
      signal,
      vkey: vkeys,
      ...(from !== undefined && { from }),
      ...(isNews && note !== undefined && { checkpoint: note }),
    })
  }

  /** Of the anchors that answer with a checkpoint by the log's keys, the one of the largest tree. */
  async #newestAnchored(signal: AbortSignal): Promise<AnchorAnswer | undefined> {
    const answers = await Promise.all(this.#anchors.map((anchor) => this.#read(anchor, signal)))
    const notes = answers.filter((answer): answer is AnchorAnswer => answer?.note !== undefined)
    return notes.toSorted((one, other) => other.size - one.size)[0]
  }

  /** The log is verified without an anchor that does not answer; the report says which one it was compared with. */
  async #read(anchor: AnchorState, signal: AbortSignal): Promise<AnchorAnswer | undefined> {
    try {
      return await anchor.read(undefined, this.#keys, signal)
    } catch (error) {
      signal.throwIfAborted()
      this.#options.logger.warn('an audit anchor was not read for the verification', { anchor: anchor.name, code: codeOf(error) })
      return undefined
    }
  }

  #conclude(report: WatchReport): void {
    const { mode, verdict, durationMs } = report
    const { fault } = this.#stats
    const last = mode === 'full' ? { lastFull: report } : { lastIncremental: report }
    if (verdict.ok) {
      const { checked, anchoredTo, unanchored, position } = verdict
      this.#position = position
      // An incremental verification does not look where a full one found something.
      const isGone = mode === 'full' || fault?.mode === 'incremental'
      this.#stats = { ...this.#stats, ...last, error: null, fault: isGone ? null : fault }
      this.#events.emit('verified', { mode, checked, anchoredTo, unanchored, durationMs })
    } else {
      const { kind, firstBadSeq, detail } = verdict
      // A fault that only a full verification meets stays in view until the next one.
      this.#stats = { ...this.#stats, ...last, error: null, fault: mode === 'incremental' && fault?.mode === 'full' ? fault : report }
      this.#options.logger.error('the audit log was altered', { mode, kind, firstBadSeq, detail })
      this.#events.emit('fault', { mode, kind, firstBadSeq, detail })
    }
  }
}

/** A scheduled verification that begins once started. Throws `InvalidOptionsError`, and `AuditFormatError` for a bad key. */
export function createAuditWatch(options: AuditWatchOptions): AuditWatch {
  return new AuditWatch(options)
}
