/** A physical line without its line break, or the place where one too long to be a line was skipped. */
export type Line =
  | { readonly kind: 'line'; readonly bytes: Buffer; readonly number: number }
  | { readonly kind: 'too-long'; readonly bytes: Buffer; readonly number: number }

const LF = 0x0a
const CR = 0x0d

/**
 * Cuts a stream of chunks into lines. Memory is bounded by one chunk and `maxLineBytes`: of a longer line the start
 * is reported and the rest is skipped up to the next line break.
 */
export class LineSplitter {
  readonly #maxLineBytes: number
  #pieces: Buffer[] = []
  #pendingBytes = 0
  #skipping = false
  #number = 1

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  *push(chunk: Buffer): Generator<Line, void> {
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      const line = this.#take(chunk.subarray(start, end))
      if (line !== undefined) yield line
      this.#number++
      start = end + 1
    }
    const tooLong = this.#keep(chunk.subarray(start))
    if (tooLong !== undefined) yield tooLong
  }

  /** The last line, when the file does not end with a line break. */
  *end(): Generator<Line, void> {
    if (this.#pendingBytes === 0) return
    const line = this.#take(Buffer.alloc(0))
    if (line !== undefined) yield line
  }

  #take(rest: Buffer): Line | undefined {
    const whole = this.#pendingBytes === 0 ? rest : Buffer.concat([...this.#pieces, rest])
    const skipped = this.#skipping
    this.#forget()
    this.#skipping = false
    if (skipped) return undefined
    if (whole.length > this.#maxLineBytes) return this.#tooLong(whole)
    const bytes = whole.at(-1) === CR ? whole.subarray(0, -1) : whole
    return { kind: 'line', bytes, number: this.#number }
  }

  #keep(rest: Buffer): Line | undefined {
    if (this.#skipping || rest.length === 0) return undefined
    this.#pieces.push(rest)
    this.#pendingBytes += rest.length
    if (this.#pendingBytes <= this.#maxLineBytes) return undefined
    const line = this.#tooLong(Buffer.concat(this.#pieces))
    this.#forget()
    this.#skipping = true
    return line
  }

  #tooLong(bytes: Buffer): Line {
    return { kind: 'too-long', bytes: bytes.subarray(0, this.#maxLineBytes), number: this.#number }
  }

  #forget(): void {
    this.#pieces = []
    this.#pendingBytes = 0
  }
}
