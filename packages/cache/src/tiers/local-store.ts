import { LRUCache } from 'lru-cache'
import type { EvictionReason } from '../events.ts'

export interface LocalStoreOptions {
  readonly maxEntries: number
  /** Sum of the entries' sizes as told to `set`, plus what an entry itself costs. */
  readonly maxBytes: number
  readonly onEvict?: (reason: EvictionReason) => void
}

interface Slot<V> {
  readonly value: V
}

/** Heap cost of an entry beside its value: key header, map slot, list links. */
const ENTRY_OVERHEAD_BYTES = 160

/** A map bounded by entries and by bytes; the least recently used goes first. Knows nothing of time. */
export class LocalStore<V> {
  readonly #slots: LRUCache<string, Slot<V>>
  readonly #maxBytes: number
  readonly #onEvict: (reason: EvictionReason) => void

  constructor(options: LocalStoreOptions) {
    this.#maxBytes = options.maxBytes
    this.#onEvict = options.onEvict ?? (() => {})
    this.#slots = new LRUCache({
      max: options.maxEntries,
      maxSize: options.maxBytes,
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') this.#onEvict('capacity')
      },
    })
  }

  get(id: string): V | undefined {
    return this.#slots.get(id)?.value
  }

  set(id: string, value: V, bytes: number): void {
    const size = bytes + id.length * 2 + ENTRY_OVERHEAD_BYTES
    if (size > this.#maxBytes) {
      this.#slots.delete(id)
      this.#onEvict('too-large')
      return
    }
    this.#slots.set(id, { value }, { size })
  }

  delete(id: string): boolean {
    return this.#slots.delete(id)
  }

  clear(namespace: string): void {
    const prefix = `${namespace}/`
    for (const id of this.#slots.keys()) if (id.startsWith(prefix)) this.#slots.delete(id)
  }

  get entries(): number {
    return this.#slots.size
  }

  get bytes(): number {
    return this.#slots.calculatedSize
  }
}
