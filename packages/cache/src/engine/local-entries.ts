import type { Clock } from '@cidadao/contracts'
import type { TierKey } from '../key.ts'
import { LocalStore, type LocalStoreOptions } from '../tiers/local-store.ts'

export interface LocalEntry {
  readonly value: unknown
  /** The value is frozen through and through; otherwise each reader gets a clone. */
  readonly shared: boolean
  readonly ageWhenStoredMs: number
  readonly storedAtMs: number
  readonly freshUntilMs: number
  /** End of the grace; after it the entry is not even a fallback. */
  readonly goneAtMs: number
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
}

/** The in-process tier: values as they are, with lifetimes on the monotonic clock, so that a jumping wall clock changes nothing. */
export class LocalEntries {
  readonly #store: LocalStore<LocalEntry>
  readonly #clock: Clock

  constructor(clock: Clock, options: LocalStoreOptions) {
    this.#clock = clock
    this.#store = new LocalStore(options)
  }

  nowMs(): number {
    return this.#clock.monotonicMs()
  }

  /** Fresh, or stale within its grace. */
  get(id: string, nowMs: number): LocalEntry | undefined {
    const entry = this.#store.get(id)
    if (entry === undefined || nowMs < entry.goneAtMs) return entry
    this.#store.delete(id)
    return undefined
  }

  put(key: TierKey, entry: NewLocalEntry): void {
    const nowMs = this.nowMs()
    const stored: LocalEntry = {
      value: entry.value,
      shared: entry.shared,
      ageWhenStoredMs: entry.ageMs,
      storedAtMs: nowMs,
      freshUntilMs: nowMs + entry.freshMs,
      goneAtMs: nowMs + Math.max(entry.freshMs, entry.staleMs),
      retryAtMs: nowMs + (entry.retryAfterMs ?? 0),
    }
    this.#store.set(key.id, stored, entry.bytes)
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
}

export function ageOf(entry: LocalEntry, nowMs: number): number {
  return entry.ageWhenStoredMs + (nowMs - entry.storedAtMs)
}
