interface Link<Value> {
  readonly value: Value
  previous: Link<Value> | undefined
  next: Link<Value> | undefined
}

/**
 * First in, first out, and out of turn in constant time too. A linked list: a `Set` would do, but finding its first
 * element walks over all that were deleted before it, which is quadratic on a long queue.
 */
export class Fifo<Value> {
  readonly #links = new Map<Value, Link<Value>>()
  #first: Link<Value> | undefined
  #last: Link<Value> | undefined

  get size(): number {
    return this.#links.size
  }

  get first(): Value | undefined {
    return this.#first?.value
  }

  push(value: Value): void {
    const link: Link<Value> = { value, previous: this.#last, next: undefined }
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#links.set(value, link)
  }

  delete(value: Value): boolean {
    const link = this.#links.get(value)
    if (link === undefined) return false
    if (link.previous === undefined) this.#first = link.next
    else link.previous.next = link.next
    if (link.next === undefined) this.#last = link.previous
    else link.next.previous = link.previous
    return this.#links.delete(value)
  }

  [Symbol.iterator](): Iterator<Value> {
    return this.#links.keys()
  }
}
