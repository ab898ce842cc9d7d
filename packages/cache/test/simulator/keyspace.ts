interface Held {
  readonly value: object
  readonly expiresAtMs: number
}

interface Change {
  readonly atMs: number
  readonly key: string
  readonly before: Held | undefined
}

/** What a server has stored, and how to take back what its replicas had not got yet. Values are never changed in place. */
export class Keyspace {
  readonly #held = new Map<string, Held>()
  #changes: Change[] = []
  readonly #now: () => number

  /** @param now the server's own time, in milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- each kind of key has one type of value, which only its readers know
  get<Value extends object>(key: string): Value | undefined {
    const held = this.#held.get(key)
    return held !== undefined && held.expiresAtMs > this.#now() ? (held.value as Value) : undefined
  }

  leftMs(key: string): number {
    return Math.max(0, (this.#held.get(key)?.expiresAtMs ?? 0) - this.#now())
  }

  set(key: string, value: object, ttlMs = Number.POSITIVE_INFINITY): void {
    this.#change(key, { value, expiresAtMs: this.#now() + ttlMs })
  }

  /** With the lifetime that it has. */
  replace(key: string, value: object): void {
    this.#change(key, { value, expiresAtMs: this.#held.get(key)?.expiresAtMs ?? Number.POSITIVE_INFINITY })
  }

  delete(key: string): void {
    if (this.#held.has(key)) this.#change(key, undefined)
  }

  keys(prefix: string): string[] {
    return [...this.#held.keys()].filter((key) => key.startsWith(prefix))
  }

  /** A replica takes over that has what there was at `atMs`, of the keys of one shard; returns those that are different now. */
  rollBack(atMs: number, isOfShard: (key: string) => boolean): ReadonlySet<string> {
    const changed = new Set<string>()
    for (const change of this.#changes.toReversed()) {
      if (change.atMs <= atMs || !isOfShard(change.key)) continue
      changed.add(change.key)
      if (change.before === undefined) this.#held.delete(change.key)
      else this.#held.set(change.key, change.before)
    }
    this.#changes = []
    return changed
  }

  clear(): void {
    for (const key of [...this.#held.keys()]) this.delete(key)
    this.#changes = []
  }

  #change(key: string, after: Held | undefined): void {
    this.#changes.push({ atMs: this.#now(), key, before: this.#held.get(key) })
    if (after === undefined) this.#held.delete(key)
    else this.#held.set(key, after)
  }
}
