import type { Clock } from '@cidadao/contracts'
import { ClockExchange, type ClockSource, type Exchanged } from './clock-exchange.ts'
import type { Invalidation, LoggedInvalidation } from './invalidation.ts'
import type { ClockReading } from './logical-clock.ts'
import { Marks } from './marks.ts'

/** What a namespace's clock does to the rest of its process. */
export interface ClockEffects {
  /** Another process changed these keys: drop them from memory, and let nothing that is under way for them be kept. */
  dropKeys(keys: readonly string[]): void
  /** Whatever began before must not be joined by callers from now on. */
  detachLoads(): void
  /** As `dropKeys`, for all keys. */
  dropAll(): void
  /** The chain of invalidations was broken, so everything in memory was dropped. */
  resynced(reason: ResyncReason): void
}

export const RESYNC_REASONS = ['gap', 'lost-invalidations'] as const
export type ResyncReason = (typeof RESYNC_REASONS)[number]

export interface NamespaceClockParts {
  readonly namespace: string
  /** Of this cache; unique among all that share the tiers. */
  readonly origin: string
  readonly time: Clock
  /** Absent: the order of invalidations is this process' own. */
  readonly source: ClockSource | undefined
  /** How long memory is believed without the shared clock having been asked, in milliseconds. */
  readonly verifyWithinMs: number
  readonly maxMarks: number
  readonly maxUnsent: number
  readonly effects: ClockEffects
}

/** What an entry says about itself. */
export interface Stamped {
  readonly sequence: number
  readonly tags: readonly string[]
}

/**
 * One namespace's invalidations as this process knows them, on two scales: the shared clock's *sequence*, which entries
 * of shared tiers carry, and its own *tick*, which entries of memory carry. Both are taken before a value's production
 * begins; the entry is invalid once the floor or the mark of one of its tags is higher.
 *
 * Toward the shared clock it is
 * - *unknown* at first: entries that need its word are not believed;
 * - *trusted* until `trustedUntilMs`: everything up to `sequence` is known, without a gap;
 * - *doubtful* after that: it is asked before memory or a shared entry is believed, and then trusted again.
 *
 * Messages of the bus bring it forward sooner. One that does not follow directly on the last leaves a gap, and the clock
 * is asked; when its log does not reach back, memory is dropped.
 */
export class NamespaceClock {
  readonly #parts: NamespaceClockParts
  readonly #marks: Marks
  readonly #exchange: ClockExchange | undefined
  #seen: number | undefined
  #floor = 0
  #tickFloor = 0
  #tick = 0
  #lastMarkTick = 0
  #trustedUntilMs = Number.NEGATIVE_INFINITY

  constructor(parts: NamespaceClockParts) {
    this.#parts = parts
    this.#marks = new Marks(parts.maxMarks)
    if (parts.source === undefined) {
      this.#trustedUntilMs = Number.POSITIVE_INFINITY
      return
    }
    this.#exchange = new ClockExchange({
      ...parts,
      source: parts.source,
      since: () => this.#seen ?? 0,
      onReading: (reading, asked) => this.#absorb(reading, asked),
    })
  }

  /** Name of the tier that has the shared clock. */
  get tier(): string | undefined {
    return this.#parts.source?.name
  }

  /** To be taken before the production of what memory will keep. */
  get tick(): number {
    return this.#tick
  }

  /** Entries of memory with a tick of at least this need no further look. */
  get lastMarkTick(): number {
    return this.#lastMarkTick
  }

  /** To be taken before the production of what shared tiers will keep; 0 while unknown. */
  get sequence(): number {
    return this.#seen ?? 0
  }

  get trustedUntilMs(): number {
    return this.#trustedUntilMs
  }

  /** Invalidations that the shared clock does not know of yet. */
  get unsent(): number {
    return this.#exchange?.unsent ?? 0
  }

  /** Whether memory may still believe what it kept. */
  admits(entry: { readonly tick: number; readonly tags: readonly string[] }): boolean {
    return entry.tick >= this.#tickFloor && entry.tags.every((tag) => this.#marks.tickOf(tag) <= entry.tick)
  }

  /** Has the shared clock asked unless it was within `verifyWithinMs`; resolves to whether its word is known now. */
  async verify(): Promise<boolean> {
    return this.#trusted() || this.refresh()
  }

  async refresh(tags: readonly string[] = []): Promise<boolean> {
    if (this.#exchange === undefined) return true
    return (await this.#exchange.refresh(tags)).ok
  }

  /** Resolves to whether everything up to `sequence`, of another process' writes say, is known here. */
  async reach(sequence: number): Promise<boolean> {
    if (this.sequence < sequence) await this.refresh()
    return this.sequence >= sequence
  }

  /** Whether a shared tier's entry is still valid. What cannot be known is not. */
  async judge(entry: Stamped): Promise<boolean> {
    if (this.#exchange === undefined) return entry.tags.length === 0
    if (!(await this.verify())) return false
    // From a sequence that is not known here: ours is behind, or the clock has forgotten it.
    if (entry.sequence > this.sequence) await this.refresh()
    const unknown = entry.tags.filter((tag) => this.#marks.sequenceOf(tag) === undefined)
    if (unknown.length > 0) await this.refresh(unknown)
    return this.stillValid(entry)
  }

  /** By what is known now, without asking. */
  stillValid({ sequence, tags }: Stamped): boolean {
    if (sequence > this.sequence || sequence < this.#floor || this.#exchange?.coversAll === true) return false
    return tags.every(
      (tag) => this.#exchange?.covers(tag) !== true && (this.#marks.sequenceOf(tag) ?? Number.POSITIVE_INFINITY) <= sequence,
    )
  }

  /** For this process at once; `announce` is what tells the others. */
  invalidateHere(what: Invalidation): void {
    if (what.tags.length === 0 && !what.all) return
    const tick = ++this.#tick
    this.#lastMarkTick = tick
    for (const tag of what.tags) this.#marks.raiseTick(tag, tick)
    if (what.all) this.#tickFloor = tick
    this.#parts.effects.detachLoads()
  }

  /** Resolves when the shared clock has recorded it, or has failed to: then it is kept, and tried again. */
  async announce(what: Invalidation): Promise<Exchanged> {
    return this.#exchange === undefined ? { ok: true } : this.#exchange.announce(what)
  }

  /** A message of the bus. */
  receive(message: LoggedInvalidation): void {
    if (this.#seen === undefined || message.sequence <= this.#seen) return
    const follows = message.previous === this.#seen
    this.#apply(message)
    if (follows) this.#seen = message.sequence
    else void this.refresh()
  }

  /** Resolves when nothing is under way; what the shared clock does not know yet is tried once more. */
  async idle(): Promise<void> {
    if (this.unsent > 0) await this.refresh()
    await this.#exchange?.idle()
  }

  stop(): void {
    this.#exchange?.stop()
  }

  #trusted(): boolean {
    return this.#parts.time.monotonicMs() < this.#trustedUntilMs
  }

  #absorb(reading: ClockReading, asked: { readonly tags: readonly string[]; readonly sentAtMs: number }): void {
    const before = this.#seen
    if (before === undefined) this.#forgetAll()
    else if (reading.missed.kind === 'chain') this.#applyMissed(reading.missed.messages)
    else this.#resync(reading, before)
    // Answers come one at a time, but the bus may have been faster.
    this.#seen = Math.max(this.sequence, reading.sequence)
    this.#floor = Math.max(this.#floor, reading.floor)
    for (const [index, tag] of asked.tags.entries()) this.#marks.raise(tag, reading.marks[index] ?? Number.POSITIVE_INFINITY)
    this.#trustedUntilMs = Math.max(this.#trustedUntilMs, asked.sentAtMs + this.#parts.verifyWithinMs)
  }

  #applyMissed(messages: readonly LoggedInvalidation[]): void {
    for (const message of messages) {
      if (message.sequence <= this.sequence) continue
      this.#apply(message)
      this.#seen = message.sequence
    }
  }

  #apply({ sequence, origin, keys, tags, all }: LoggedInvalidation): void {
    const { effects } = this.#parts
    for (const tag of tags) this.#marks.raise(tag, sequence)
    if (all) this.#floor = Math.max(this.#floor, sequence)
    // What this process itself invalidated it has already dropped, and may have replaced.
    if (origin === this.#parts.origin) return
    this.invalidateHere({ keys, tags, all })
    if (all) effects.dropAll()
    else effects.dropKeys(keys)
  }

  #resync(reading: ClockReading, before: number): void {
    const lost = reading.missed.kind === 'diverged' && reading.floor <= before
    this.#forgetAll()
    this.#parts.effects.resynced(lost ? 'lost-invalidations' : 'gap')
    // The clock forgot what it had acknowledged, so that shared entries could outlive their invalidation: no more.
    if (lost) void this.announce({ keys: [], tags: [], all: true })
  }

  #forgetAll(): void {
    this.#marks.clear()
    this.invalidateHere({ keys: [], tags: [], all: true })
    this.#parts.effects.dropAll()
  }
}
