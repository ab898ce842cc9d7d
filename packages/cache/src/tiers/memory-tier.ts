import { systemClock, type Clock } from '@cidadao/contracts'
import type { InvalidationBus, LogicalClock } from '../consistency/logical-clock.ts'
import { MemoryClock } from '../consistency/memory-clock.ts'
import type { TierKey } from '../key.ts'
import { LocalStore } from './local-store.ts'
import type {
  FillOutcome,
  Generation,
  LeaseAnswer,
  LeasedRead,
  LeaseRequest,
  StoredEntry,
  Tier,
  TierFence,
  TierLease,
  TierRead,
  TierWrite,
} from './tier.ts'

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
  readonly sequence: number
  readonly lease?: { readonly token: string; readonly untilMs: number } | undefined
  /** Of the payload. */
  readonly endsAtMs: number
  /** Of the slot, which a lease keeps beyond its payload. */
  readonly expiresAtMs: number
}

const DEFAULTS = { name: 'local', maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 } as const

/**
 * The tier port over plain memory, with fence, lease, clock and bus: what several caches of one process share, and the reference that
 * the conformance suite and simulations measure the real ones against.
 */
export function memoryTier(options: MemoryTierOptions = {}): Tier {
  return new MemoryTier(options)
}

class MemoryTier implements Tier {
  readonly name: string
  readonly fence: TierFence
  readonly lease: TierLease
  readonly clock: LogicalClock
  readonly bus: InvalidationBus
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
      read: async (key, windowMs, lease) => this.#readToFill(key, windowMs, lease),
      fill: async (key, entry, generation) => this.#fill(key, entry, generation),
      discard: async (key, generation) => {
        if (this.#live(key)?.generation === generation) this.#slots.delete(key.id)
      },
    }
    this.lease = {
      acquire: async (key, request) => this.#acquire(key, request),
      renew: async (key, request) => {
        const held = this.#leaseOf(key)?.token === request.token
        if (held) this.#acquire(key, request)
        return held
      },
      release: async (key, token) => {
        const slot = this.#live(key)
        if (slot?.lease?.token === token) this.#replace(key, { ...slot, lease: undefined })
      },
    }
    const shared = new MemoryClock(this.#clock)
    this.clock = shared
    this.bus = shared
  }

  async read(key: TierKey): Promise<TierRead> {
    const slot = this.#live(key)
    return { entry: this.#entryOf(slot), generation: slot?.generation }
  }

  async write(key: TierKey, entry: TierWrite): Promise<void> {
    this.#put(key, entry)
  }

  async delete(key: TierKey): Promise<boolean> {
    const existed = this.#entryOf(this.#live(key)) !== undefined
    this.#slots.delete(key.id)
    return existed
  }

  async clear(namespace: string): Promise<void> {
    this.#slots.clear(namespace)
  }

  async sweep(namespace: string, beforeSequence: number): Promise<void> {
    this.#slots.clear(namespace, (slot) => slot.payload !== undefined && slot.sequence < beforeSequence)
  }

  async probe(): Promise<void> {}

  #readToFill(key: TierKey, windowMs: number, lease: LeaseRequest | undefined): LeasedRead {
    const slot = this.#live(key) ?? this.#put(key, { payload: undefined, ttlMs: windowMs })
    const entry = this.#entryOf(slot)
    if (entry === undefined) this.#replace(key, { ...slot, expiresAtMs: this.#clock.monotonicMs() + windowMs })
    const answer = lease === undefined || entry !== undefined ? undefined : this.#acquire(key, lease)
    return { entry, generation: slot.generation, lease: answer }
  }

  #acquire(key: TierKey, { token, leaseMs }: LeaseRequest): LeaseAnswer {
    const slot = this.#live(key)
    const lease = this.#leaseOf(key)
    const nowMs = this.#clock.monotonicMs()
    if (lease !== undefined && lease.token !== token) return { outcome: 'held', leftMs: lease.untilMs - nowMs }
    const untilMs = nowMs + leaseMs
    if (slot !== undefined) this.#replace(key, { ...slot, lease: { token, untilMs }, expiresAtMs: Math.max(slot.expiresAtMs, untilMs) })
    return { outcome: 'granted' }
  }

  #leaseOf(key: TierKey): Slot['lease'] {
    const lease = this.#live(key)?.lease
    return lease !== undefined && lease.untilMs > this.#clock.monotonicMs() ? lease : undefined
  }

  #replace(key: TierKey, slot: Slot): void {
    this.#slots.set(key.id, slot, slot.payload?.length ?? 0)
  }

  #fill(key: TierKey, entry: TierWrite, generation: Generation): FillOutcome {
    if (this.#live(key)?.generation !== generation) return 'superseded'
    this.#put(key, entry)
    return 'stored'
  }

  #put(key: TierKey, { payload, ttlMs, sequence = 0 }: Omit<TierWrite, 'payload'> & { readonly payload: Buffer | undefined }): Slot {
    const generation = String(++this.#generations) as Generation
    const endsAtMs = this.#clock.monotonicMs() + ttlMs
    const slot = { payload, generation, sequence, endsAtMs, expiresAtMs: endsAtMs }
    this.#replace(key, slot)
    return slot
  }

  #live(key: TierKey): Slot | undefined {
    const slot = this.#slots.get(key.id)
    return slot !== undefined && slot.expiresAtMs > this.#clock.monotonicMs() ? slot : undefined
  }

  #entryOf(slot: Slot | undefined): StoredEntry | undefined {
    if (slot?.payload === undefined) return undefined
    const remainingMs = slot.endsAtMs - this.#clock.monotonicMs()
    return remainingMs > 0 ? { payload: slot.payload, remainingMs } : undefined
  }
}
