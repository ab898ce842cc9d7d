/**
 * The least version that is still true of the investigations that this process wrote or erased last. What a cache
 * returns below it is older than what is stored. Bounded: of the others the cache's own fence must know.
 */
export class VersionFloor {
  readonly #floors = new Map<string, number>()
  readonly #maxIds: number

  constructor(maxIds: number) {
    this.#maxIds = maxIds
  }

  /** Commits of one process can be told in another order than they were made, so a floor never falls. */
  raise(id: string, version: number): void {
    const floor = Math.max(version, this.#floors.get(id) ?? 0)
    this.#floors.delete(id)
    this.#floors.set(id, floor)
    if (this.#floors.size <= this.#maxIds) return
    const oldest = this.#floors.keys().next()
    if (oldest.done !== true) this.#floors.delete(oldest.value)
  }

  /** No version of it is true any more. */
  raiseAboveAll(id: string): void {
    this.raise(id, Number.POSITIVE_INFINITY)
  }

  /** A new investigation under an id that had been erased begins at version 1 again. */
  beginAnew(id: string): void {
    if (this.#floors.get(id) === Number.POSITIVE_INFINITY) this.#floors.delete(id)
  }

  isBelow(id: string, version: number): boolean {
    return version < (this.#floors.get(id) ?? 0)
  }
}
