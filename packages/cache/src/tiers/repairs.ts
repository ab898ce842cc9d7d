import type { TierKey } from '../key.ts'

interface Repair {
  readonly key: TierKey
  /** Operations on the key that outlived their budget and may still take effect; deleting earlier would be in vain. */
  unsettled: number
}

/**
 * What one tier still has to drop: keys whose last write or delete did not surely reach it. Only deletions are kept,
 * never values: replaying an old value over another node's newer one would be worse than a miss.
 *
 * Bounded. On overflow the keys' namespaces are remembered instead, which costs misses but forgets nothing.
 */
export class Repairs {
  readonly #keys = new Map<string, Repair>()
  readonly #namespaces = new Set<string>()
  readonly #maxKeys: number

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  get size(): number {
    return this.#keys.size + this.#namespaces.size
  }

  /** Whether what the tier holds for the key must not be believed. */
  covers(key: TierKey): boolean {
    if (this.size === 0) return false
    return this.#keys.has(key.id) || this.#namespaces.has(key.namespace)
  }

  /** `operation` is the one that failed; it may still be under way. */
  add(key: TierKey, operation: Promise<unknown>): void {
    let repair = this.#keys.get(key.id)
    if (repair === undefined) {
      if (this.#keys.size >= this.#maxKeys) this.#overflow()
      repair = { key, unsettled: 0 }
      this.#keys.set(key.id, repair)
    }
    this.#awaitSettled(repair, operation)
  }

  addNamespace(namespace: string): void {
    this.#namespaces.add(namespace)
  }

  keys(): TierKey[] {
    return Array.from(this.#keys.values(), ({ key }) => key)
  }

  /** The keys that can be repaired now. */
  ready(): TierKey[] {
    return Array.from(this.#keys.values())
      .filter((repair) => repair.unsettled === 0)
      .map((repair) => repair.key)
  }

  namespaces(): string[] {
    return Array.from(this.#namespaces)
  }

  done(key: TierKey): void {
    if (this.#keys.get(key.id)?.unsettled === 0) this.#keys.delete(key.id)
  }

  doneNamespace(namespace: string): void {
    this.#namespaces.delete(namespace)
  }

  #awaitSettled(repair: Repair, operation: Promise<unknown>): void {
    repair.unsettled++
    const settled = (): void => {
      repair.unsettled--
    }
    operation.then(settled, settled)
  }

  #overflow(): void {
    for (const { key } of this.#keys.values()) this.#namespaces.add(key.namespace)
    this.#keys.clear()
  }
}
