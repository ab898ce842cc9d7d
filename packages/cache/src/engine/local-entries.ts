import type { Clock, Timer } from '@cidadao/contracts'
import { keyWithin, type TierKey } from '../key.ts'
import { LocalStore, type LocalStoreOptions } from '../tiers/local-store.ts'

export interface LocalEntry {
  readonly id: string
  readonly value: unknown
  /** The value is frozen through and through; otherwise each reader gets a clone. */
  readonly shared: boolean
  readonly ageWhenStoredMs: number
  readonly storedAtMs: number
  readonly freshUntilMs: number
  /** End of the grace; after it the entry is not even a fallback. */
  readonly goneAtMs: number
  /** Of the namespace's own count of invalidations, as it was before the production of the value began. */
  readonly tick: number
  readonly tags: readonly string[]
  /** Believed without the shared clock until then; after it, only while that is trusted. */
  readonly vouchedUntilMs: number
  /** Not fresh, but not to be refreshed before this: its factory has just failed. */
  readonly retryAtMs: number
}

export interface NewLocalEntry {
  readonly value: unknown
  readonly shared: boolean
  readonly bytes: number
  readonly ageMs: number
  readonly freshMs: number
  readonly staleMs: number
  readonly retryAfterMs?: number
  readonly tick: number
  readonly tags: readonly string[]
  readonly vouchedUntilMs: number
}

/** One namespace's entries by the caller's own key, so that a hit need not build and hash the full one. */
export type LocalIndex = ReadonlyMap<string, LocalEntry>

interface IndexedEntry extends LocalEntry {
  freshUntilMs: number
  goneAtMs: number
  readonly index: Map<string, LocalEntry>
  readonly key: string
}

/** From now on, in milliseconds. */
export interface LocalLife {
  readonly freshMs: number
  /** 0 where there is no grace. */
  readonly staleMs: number
}

export type LocalEntriesOptions = Omit<LocalStoreOptions<never>, 'onLeave'>

const CLOCK_RESOLUTION_MS = 1

/** The in-process tier: values as they are, with lifetimes on the monotonic clock, so that a jumping wall clock changes nothing. */
export class LocalEntries {
  readonly #store: LocalStore<IndexedEntry>
  readonly #indexes = new Map<string, Map<string, LocalEntry>>()
  readonly #clock: Clock
  #coarseNowMs: number | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, options: LocalEntriesOptions) {
    this.#clock = clock
    this.#store = new LocalStore({ ...options, onLeave: (entry) => entry.index.delete(entry.key) })
  }

  /** The time, read at most once a millisecond: reading it costs more than finding an entry. */
  nowMs(): number {
    if (this.#coarseNowMs === undefined) {
      this.#coarseNowMs = this.#clock.monotonicMs()
      this.#timer = this.#clock.schedule(CLOCK_RESOLUTION_MS, () => {
        this.#coarseNowMs = undefined
      })
    }
    return this.#coarseNowMs
  }

  /** Leaves no timer behind; may be used again. */
  stop(): void {
    this.#timer?.cancel()
    this.#coarseNowMs = undefined
  }

  index(namespace: string): LocalIndex {
    return this.#indexOf(namespace)
  }

  /** Fresh, or stale within its grace. */
  get(id: string, nowMs: number): LocalEntry | undefined {
    const entry = this.#store.get(id)
    if (entry === undefined || nowMs < entry.goneAtMs) return entry
    this.#store.delete(id)
    return undefined
  }

  /** For the least recently used to be known. */
  touch(entry: LocalEntry): void {
    this.#store.get(entry.id)
  }

  put(key: TierKey, entry: NewLocalEntry): void {
    const nowMs = this.#clock.monotonicMs()
    const stored: IndexedEntry = {
      id: key.id,
      key: keyWithin(key),
      index: this.#indexOf(key.namespace),
      value: entry.value,
      shared: entry.shared,
      ageWhenStoredMs: entry.ageMs,
      storedAtMs: nowMs,
      freshUntilMs: nowMs + entry.freshMs,
      goneAtMs: nowMs + Math.max(entry.freshMs, entry.staleMs),
      tick: entry.tick,
      tags: entry.tags,
      vouchedUntilMs: entry.vouchedUntilMs,
      retryAtMs: nowMs + (entry.retryAfterMs ?? 0),
    }
    if (this.#store.set(key.id, stored, entry.bytes)) stored.index.set(stored.key, stored)
  }

  /** Changes how long what is there lives, and nothing else of it. */
  setLife(key: TierKey, { freshMs, staleMs }: LocalLife): void {
    const entry = this.#store.get(key.id)
    if (entry === undefined) return
    const nowMs = this.#clock.monotonicMs()
    entry.freshUntilMs = nowMs + freshMs
    entry.goneAtMs = nowMs + Math.max(freshMs, staleMs)
  }

  delete(key: TierKey): boolean {
    return this.#store.delete(key.id)
  }

  clear(namespace: string): void {
    this.#store.clear(namespace)
  }

  size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#store.entries, bytes: this.#store.bytes }
  }

  #indexOf(namespace: string): Map<string, LocalEntry> {
    let index = this.#indexes.get(namespace)
    if (index === undefined) {
      index = new Map()
      this.#indexes.set(namespace, index)
    }
    return index
  }
}

export function ageOf(entry: LocalEntry, nowMs: number): number {
  // The coarse clock may be a little behind the one that the entry was stored by.
  return entry.ageWhenStoredMs + Math.max(0, nowMs - entry.storedAtMs)
}
