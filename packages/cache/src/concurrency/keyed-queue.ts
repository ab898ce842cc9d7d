/** Runs operations on the same key one after the other, in the order they came; different keys do not wait for each other. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  run<T>(id: string, operation: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(id)
    const result = before === undefined ? operation() : before.then(operation, operation)
    const leave = (): void => {
      if (this.#tails.get(id) === tail) this.#tails.delete(id)
    }
    const tail: Promise<void> = result.then(leave, leave)
    this.#tails.set(id, tail)
    return result
  }

  /** Resolves when what is under way now, of ids that begin like this, is over. */
  async settled(prefix: string): Promise<void> {
    const under = Array.from(this.#tails).filter(([id]) => id.startsWith(prefix))
    await Promise.all(under.map(([, tail]) => tail))
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values())
  }
}
