import type { Invalidation } from './invalidation.ts'

const KEYS_A_MESSAGE = 500
const TAGS_A_MESSAGE = 100

/**
 * Invalidations that the shared clock has not recorded yet, merged. Nothing else is ever kept for later: not values,
 * since replaying one could undo a newer one of another process.
 *
 * Bounded. On overflow the whole namespace is invalidated instead, which costs misses but forgets nothing.
 */
export class Unsent {
  readonly #keys = new Set<string>()
  readonly #tags = new Set<string>()
  readonly #max: number
  #all = false

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#keys.size + this.#tags.size + (this.#all ? 1 : 0)
  }

  get all(): boolean {
    return this.#all
  }

  hasTag(tag: string): boolean {
    return this.#all || this.#tags.has(tag)
  }

  add(what: Invalidation): void {
    for (const key of what.keys) this.#keys.add(key)
    for (const tag of what.tags) this.#tags.add(tag)
    this.#all ||= what.all
    if (this.#all || this.size > this.#max) this.#becomeAll()
  }

  /** As much as one message carries; tags first, since no tier can drop those by itself. */
  take(): Invalidation {
    const batch = { tags: take(this.#tags, TAGS_A_MESSAGE), keys: take(this.#keys, KEYS_A_MESSAGE), all: this.#all }
    this.#all = false
    return batch
  }

  /** Everything includes every key and tag. */
  #becomeAll(): void {
    this.#all = true
    this.#keys.clear()
    this.#tags.clear()
  }
}

function take(from: Set<string>, limit: number): string[] {
  const taken = [...from].slice(0, limit)
  for (const item of taken) from.delete(item)
  return taken
}
