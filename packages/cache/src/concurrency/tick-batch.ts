interface Waiting<Item, Reply> {
  readonly item: Item
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
}

/** Answers a batch, in the items' order: one write to a socket instead of one an item. */
export type BatchRun<Item, Reply> = (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Reply>[]>

/**
 * Gathers what is asked for in one turn of the event loop and has it answered together. Nothing waits for company: the
 * batch leaves when the callers of this turn have had theirs, at the latest with `longest` items.
 */
export class TickBatch<Item, Reply> {
  readonly #run: BatchRun<Item, Reply>
  readonly #longest: number
  #waiting: Waiting<Item, Reply>[] = []
  readonly #flush = (): void => {
    const batch = this.#waiting
    if (batch.length === 0) return
    this.#waiting = []
    void this.#answer(batch)
  }

  constructor(run: BatchRun<Item, Reply>, longest: number) {
    this.#run = run
    this.#longest = longest
  }

  ask(item: Item): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const size = this.#waiting.push({ item, resolve, reject })
      // After the promises of this turn: callers that are a few `await`s behind still join.
      if (size === 1) process.nextTick(this.#flush)
      if (size === this.#longest) this.#flush()
    })
  }

  async #answer(batch: readonly Waiting<Item, Reply>[]): Promise<void> {
    try {
      const replies = await this.#run(batch.map(({ item }) => item))
      for (const [index, { resolve, reject }] of batch.entries()) {
        const reply = replies[index]
        if (reply?.status === 'fulfilled') resolve(reply.value)
        else reject(reply?.reason ?? new TypeError('a batch was answered incompletely'))
      }
    } catch (thrown) {
      for (const { reject } of batch) reject(thrown)
    }
  }
}
