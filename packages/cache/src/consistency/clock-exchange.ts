import type { Clock, Timer } from '@cidadao/contracts'
import type { CacheUnavailableError } from '../errors.ts'
import type { Attempt } from '../tiers/guarded-tier.ts'
import type { Invalidation } from './invalidation.ts'
import type { ClockAdvance, ClockRead, ClockReading } from './logical-clock.ts'
import { Unsent } from './unsent.ts'

/** A tier that has a logical clock, behind its budget and breaker. */
export interface ClockSource {
  readonly name: string
  advance(request: ClockAdvance): Promise<Attempt<ClockReading>>
  readClock(request: ClockRead): Promise<Attempt<ClockReading>>
}

/** Whether the clock answered. */
export type Exchanged = { readonly ok: true } | { readonly ok: false; readonly cause: CacheUnavailableError }

export interface ClockExchangeParts {
  readonly namespace: string
  readonly origin: string
  readonly time: Clock
  readonly source: ClockSource
  readonly maxUnsent: number
  /** The highest sequence seen so far, or 0. */
  readonly since: () => number
  /** `sentAtMs` is when the question left, so that the answer is at least that new. */
  readonly onReading: (reading: ClockReading, asked: { readonly tags: readonly string[]; readonly sentAtMs: number }) => void
}

type Waiter = (outcome: Exchanged) => void

const NOTHING: Invalidation = { keys: [], tags: [], all: false }
const RETRY_MS = 100

/**
 * One question to the shared clock at a time; what arrives meanwhile goes into the next one together. Invalidations go
 * before questions: an answer that did not know of them could make data look valid that this process has invalidated.
 */
export class ClockExchange {
  readonly #parts: ClockExchangeParts
  readonly #unsent: Unsent
  readonly #tags = new Set<string>()
  #sending: Invalidation = NOTHING
  #announcers: Waiter[] = []
  #readers: Waiter[] = []
  #running: Promise<void> | undefined
  #retry: Timer | undefined

  constructor(parts: ClockExchangeParts) {
    this.#parts = parts
    this.#unsent = new Unsent(parts.maxUnsent)
  }

  /** Not surely recorded by the shared clock. */
  get unsent(): number {
    return this.#unsent.size
  }

  /** Whether an invalidation of the tag, or of everything, is still on its way. */
  covers(tag: string): boolean {
    return this.coversAll || this.#unsent.hasTag(tag) || this.#sending.tags.includes(tag)
  }

  get coversAll(): boolean {
    return this.#unsent.all || this.#sending.all
  }

  /** Has the clock record it; after a failure it is kept and tried again with the next question, or soon. */
  announce(what: Invalidation): Promise<Exchanged> {
    this.#unsent.add(what)
    return this.#wait(this.#announcers)
  }

  /** Has the clock asked what happened, and for the marks of these tags. */
  refresh(tags: readonly string[]): Promise<Exchanged> {
    for (const tag of tags) this.#tags.add(tag)
    return this.#wait(this.#readers)
  }

  /** Resolves when no question is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.#retry?.cancel()
  }

  #wait(waiters: Waiter[]): Promise<Exchanged> {
    const { promise, resolve } = Promise.withResolvers<Exchanged>()
    waiters.push(resolve)
    this.#running ??= this.#run()
    return promise
  }

  async #run(): Promise<void> {
    // So that what is asked in the same turn goes together.
    await Promise.resolve()
    while (this.#announcers.length > 0 || this.#readers.length > 0) {
      if (this.#unsent.size > 0) await this.#advance()
      else if (this.#readers.length > 0) await this.#read()
      else settle(this.#announcers.splice(0), { ok: true })
    }
    this.#running = undefined
  }

  async #advance(): Promise<void> {
    const sentAtMs = this.#parts.time.monotonicMs()
    this.#sending = this.#unsent.take()
    const waiting = this.#unsent.size === 0 ? this.#announcers.splice(0) : []
    const { namespace, origin, source, since } = this.#parts
    const attempt = await source.advance({ namespace, origin, what: this.#sending, since: since() })
    if (attempt.ok) this.#parts.onReading(attempt.value, { tags: [], sentAtMs })
    else this.#unsent.add(this.#sending)
    this.#sending = NOTHING
    if (attempt.ok) {
      settle(waiting, attempt)
      return
    }
    this.#retryLater()
    settle([...waiting, ...this.#announcers.splice(0), ...this.#readers.splice(0)], attempt)
  }

  async #read(): Promise<void> {
    const sentAtMs = this.#parts.time.monotonicMs()
    const waiting = this.#readers.splice(0)
    const tags = [...this.#tags]
    this.#tags.clear()
    const { namespace, source, since } = this.#parts
    const attempt = await source.readClock({ namespace, since: since(), tags })
    if (attempt.ok) this.#parts.onReading(attempt.value, { tags, sentAtMs })
    settle(waiting, attempt)
  }

  #retryLater(): void {
    this.#retry?.cancel()
    this.#retry = this.#parts.time.schedule(RETRY_MS, () => {
      if (this.#unsent.size > 0) void this.#wait(this.#announcers)
    })
  }
}

function settle(waiters: readonly Waiter[], outcome: Exchanged): void {
  for (const waiter of waiters) waiter(outcome)
}
