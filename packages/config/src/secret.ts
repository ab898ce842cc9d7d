/** What is shown where there is nothing safe to show. */
export const MASK = '***'

/**
 * A value that must not reach a log, an error or a page by accident: printing, inspecting, concatenating and
 * serialising give `display`; only `reveal()` gives the value.
 */
export class Secret {
  // A private name, since `util.inspect` and `console.log` show every other kind of field.
  readonly #value: string
  /** Safe to print: `***`, or for a URL the URL without its password. */
  readonly display: string

  constructor(value: string, display: string = MASK) {
    this.#value = value
    this.display = display
    Object.freeze(this)
  }

  /** The secret itself. Call it where it is used, and do not keep the result. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return this.display
  }

  toJSON(): string {
    return this.display
  }
}
