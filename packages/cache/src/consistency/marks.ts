interface Mark {
  /** Of the shared clock; `undefined` while only this process' own invalidation is known. */
  readonly sequence: number | undefined
  /** Of this process' own count. */
  readonly tick: number
}

/**
 * What this process knows of its tags' marks. Bounded: the one not heard of for longest is given up, which costs a
 * question to the shared clock later, and what memory holds under it.
 */
export class Marks {
  readonly #marks = new Map<string, Mark>()
  readonly #max: number
  #forgottenTick = 0

  constructor(max: number) {
    this.#max = max
  }

  /** `undefined`: not known, which is not the same as never marked. */
  sequenceOf(tag: string): number | undefined {
    return this.#marks.get(tag)?.sequence
  }

  tickOf(tag: string): number {
    return this.#marks.get(tag)?.tick ?? this.#forgottenTick
  }

  /** By the shared clock. Marks only rise. */
  raise(tag: string, sequence: number): void {
    const { sequence: before = 0 } = this.#marks.get(tag) ?? {}
    this.#put(tag, { sequence: Math.max(before, sequence), tick: this.tickOf(tag) })
  }

  /** By this process. Ticks only rise. */
  raiseTick(tag: string, tick: number): void {
    this.#put(tag, { sequence: this.sequenceOf(tag), tick })
  }

  /** Nothing is known any more. */
  clear(): void {
    this.#marks.clear()
  }

  #put(tag: string, mark: Mark): void {
    this.#marks.delete(tag)
    this.#marks.set(tag, mark)
    if (this.#marks.size <= this.#max) return
    for (const [oldest, { tick }] of this.#marks) {
      this.#marks.delete(oldest)
      this.#forgottenTick = Math.max(this.#forgottenTick, tick)
      return
    }
  }
}
