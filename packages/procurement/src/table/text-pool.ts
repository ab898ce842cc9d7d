const DEFAULT_MAX_ENTRIES = 65_536

/**
 * Gives equal texts one shared copy. A field cut out of a line keeps the whole line alive, so what is kept for long
 * must be copied; names repeat, so most copies are made once. Bounded: when full it starts again, which costs
 * copies and never correctness.
 */
export class TextPool {
  readonly #texts = new Map<string, string>()
  readonly #maxEntries: number

  constructor(maxEntries: number = DEFAULT_MAX_ENTRIES) {
    this.#maxEntries = maxEntries
  }

  share(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (this.#texts.size >= this.#maxEntries) this.#texts.clear()
    const copy = detach(text)
    this.#texts.set(copy, copy)
    return copy
  }
}

/** A copy that shares no memory with the line it was cut from. */
export function detach(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
