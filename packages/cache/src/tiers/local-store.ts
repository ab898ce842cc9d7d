import { LRUCache } from 'lru-cache'
import type { EvictionReason } from '../events.ts'

export interface LocalStoreOptions<V> {
  readonly maxEntries: number
  /** Sum of the entries' sizes as told to `set`, plus what an entry itself costs. */
  readonly maxBytes: number
  readonly onEvict?: (reason: EvictionReason) => void
  /** Told of every value that leaves, for whatever reason, being replaced included. */
  readonly onLeave?: (value: V) => void
}

/** Heap cost of an entry beside its value: key header, both maps' slots, list links. As measured, with some to spare (`bench/footprint.ts`). */
const ENTRY_OVERHEAD_BYTES = 300

/** A map bounded by entries and by bytes; the least recently used goes first. Knows nothing of time. */
export class LocalStore<V extends object> {
  readonly #values: LRUCache<string, V>
  readonly #maxBytes: number
  readonly #onEvict: (reason: EvictionReason) => void

  constructor(options: LocalStoreOptions<V>) {
    this.#maxBytes = options.maxBytes
    this.#onEvict = options.onEvict ?? (() => {})
    this.#values = new LRUCache({
      max: options.maxEntries,
      maxSize: options.maxBytes,
      dispose: (value, _id, reason) => {
        options.onLeave?.(value)
        if (reason === 'evict') this.#onEvict('capacity')
      },
    })
  }

  /** Also makes it the most recently used. */
  get(id: string): V | undefined {
    return this.#values.get(id)
  }

  /** Returns whether it was kept: what is larger than the whole store is not. */
  set(id: string, value: V, bytes: number): boolean {
    const size = bytes + id.length * 2 + ENTRY_OVERHEAD_BYTES
    if (size > this.#maxBytes) {
      this.#values.delete(id)
      this.#onEvict('too-large')
      return false
    }
    this.#values.set(id, value, { size })
    return true
  }

  delete(id: string): boolean {
    return this.#values.delete(id)
  }

  /** Removes what the namespace has, or what of it `wanted` picks. */
  clear(namespace: string, wanted: (value: V) => boolean = () => true): void {
    const prefix = `${namespace}/`
    for (const [id, value] of this.#values.entries()) if (id.startsWith(prefix) && wanted(value)) this.#values.delete(id)
  }

  get entries(): number {
    return this.#values.size
  }

  get bytes(): number {
    return this.#values.calculatedSize
  }
}
