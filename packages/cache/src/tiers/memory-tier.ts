import { systemClock, type Clock } from '@cidadao/contracts'
import type { TierKey } from '../key.ts'
import { LocalStore } from './local-store.ts'
import type { FillOutcome, Generation, StoredEntry, Tier, TierFence, TierRead, TierWrite } from './tier.ts'

export interface MemoryTierOptions {
  /** @default 'local' */
  readonly name?: string
  /** @default 10_000 */
  readonly maxEntries?: number
  /** @default 64 MiB */
  readonly maxBytes?: number
  /** @default systemClock */
  readonly clock?: Clock
}

interface Slot {
  readonly payload: Buffer | undefined
  readonly generation: Generation
  readonly expiresAtMs: number
}

const DEFAULTS = { name: 'local', maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 } as const

/**
 * The tier port over plain memory, fence included: what several caches of one process share, and the reference that
 * the conformance suite and simulations measure the real ones against.
 */
export function memoryTier(options: MemoryTierOptions = {}): Tier {
  return new MemoryTier(options)
}

class MemoryTier implements Tier {
  readonly name: string
  readonly fence: TierFence
  readonly #clock: Clock
  readonly #slots: LocalStore<Slot>
  #generations = 0

  constructor(options: MemoryTierOptions) {
    this.name = options.name ?? DEFAULTS.name
    this.#clock = options.clock ?? systemClock
    this.#slots = new LocalStore({
      maxEntries: options.maxEntries ?? DEFAULTS.maxEntries,
      maxBytes: options.maxBytes ?? DEFAULTS.maxBytes,
    })
    this.fence = {
      read: async (key, windowMs) => this.#readToFill(key, windowMs),
      fill: async (key, entry, generation) => this.#fill(key, entry, generation),
      discard: async (key, generation) => {
        if (this.#live(key)?.generation === generation) this.#slots.delete(key.id)
      },
    }
  }

  async read(key: TierKey): Promise<TierRead> {
    const slot = this.#live(key)
    return { entry: this.#entryOf(slot), generation: slot?.generation }
  }

  async write(key: TierKey, entry: TierWrite): Promise<void> {
    this.#put(key, entry.payload, entry.ttlMs)
  }

  async delete(key: TierKey): Promise<boolean> {
    const existed = this.#live(key)?.payload !== undefined
    this.#slots.delete(key.id)
    return existed
  }

  async clear(namespace: string): Promise<void> {
    this.#slots.clear(namespace)
  }

  async probe(): Promise<void> {}

  #readToFill(key: TierKey, windowMs: number): TierRead {
    const slot = this.#live(key) ?? this.#put(key, undefined, windowMs)
    return { entry: this.#entryOf(slot), generation: slot.generation }
  }

  #fill(key: TierKey, entry: TierWrite, generation: Generation): FillOutcome {
    if (this.#live(key)?.generation !== generation) return 'superseded'
    this.#put(key, entry.payload, entry.ttlMs)
    return 'stored'
  }

  #put(key: TierKey, payload: Buffer | undefined, ttlMs: number): Slot {
    const generation = String(++this.#generations) as Generation
    const slot = { payload, generation, expiresAtMs: this.#clock.monotonicMs() + ttlMs }
    this.#slots.set(key.id, slot, payload?.length ?? 0)
    return slot
  }

  #live(key: TierKey): Slot | undefined {
    const slot = this.#slots.get(key.id)
    return slot !== undefined && slot.expiresAtMs > this.#clock.monotonicMs() ? slot : undefined
  }

  #entryOf(slot: Slot | undefined): StoredEntry | undefined {
    if (slot?.payload === undefined) return undefined
    return { payload: slot.payload, remainingMs: slot.expiresAtMs - this.#clock.monotonicMs() }
  }
}
