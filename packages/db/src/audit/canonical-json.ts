import { CanonicalJsonError } from './audit-errors.ts'

export const NUL_RULES = ['accept', 'refuse'] as const

export interface CanonicalJsonOptions {
  /** Deepest nesting of arrays and objects; a scalar has depth 0. @default 64 */
  readonly maxDepth?: number
  /** Longest result, in bytes of UTF-8. @default 65_536 */
  readonly maxBytes?: number
  /** Whether strings may contain U+0000: legal JSON, but PostgreSQL cannot read it back as text. @default 'accept' */
  readonly nul?: (typeof NUL_RULES)[number]
}

const DEFAULTS: Required<CanonicalJsonOptions> = Object.freeze({ maxDepth: 64, maxBytes: 65_536, nul: 'accept' })

/** With the `u` flag a surrogate pair is one code point, so this finds only halves without a partner. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * The one JSON text of a value by RFC 8785 (JCS): members sorted by UTF-16 code units at every level, numbers as
 * ECMAScript writes them, no white space. Equal values give equal bytes, whatever the order they were built in.
 *
 * Throws `CanonicalJsonError`, rather than dropping or converting, on whatever JSON cannot carry exactly: undefined,
 * functions, symbols, bigint, NaN, ±Infinity, lone surrogates, holes, dates, maps and all other class instances,
 * nesting over `maxDepth` (so a cycle too) and results over `maxBytes`.
 */
export function canonicalize(value: unknown, options: CanonicalJsonOptions = {}): string {
  const limits = { ...DEFAULTS, ...options }
  const text = new CanonicalWriter(limits).write(value)
  if (Buffer.byteLength(text) > limits.maxBytes) throw tooLong(limits.maxBytes)
  return text
}

/** Whether `value` is an object literal, or one without a prototype; no array, no class instance. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

class CanonicalWriter {
  readonly #limits: Required<CanonicalJsonOptions>
  readonly #path: (string | number)[] = []
  #text = ''

  constructor(limits: Required<CanonicalJsonOptions>) {
    this.#limits = limits
  }

  write(value: unknown): string {
    this.#value(value)
    return this.#text
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.#string(value)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return this.#emit(value ? 'true' : 'false')
      case 'object':
        return value === null ? this.#emit('null') : this.#container(value)
      default:
        throw this.#refusal(`${typeof value} is not JSON`)
    }
  }

  #number(value: number): void {
    if (!Number.isFinite(value)) throw this.#refusal(`${value} is not JSON`)
    // ECMAScript's own number to text is what the RFC prescribes; it also writes -0 as 0.
    this.#emit(String(value))
  }

  #string(value: string): void {
    // Before escaping: a text of gigabytes must not be copied only to be refused.
    if (value.length > this.#limits.maxBytes) throw tooLong(this.#limits.maxBytes)
    if (LONE_SURROGATE.test(value)) throw this.#refusal('text has a lone surrogate')
    if (this.#limits.nul === 'refuse' && value.includes('\0')) throw this.#refusal('text has U+0000, which PostgreSQL cannot store')
    // For well-formed text, JSON.stringify escapes exactly what the RFC escapes, in the same spelling.
    this.#emit(JSON.stringify(value))
  }

  #container(value: object): void {
    if (this.#path.length >= this.#limits.maxDepth) throw this.#refusal(`nesting is deeper than ${this.#limits.maxDepth}, or a cycle`)
    if (Array.isArray(value)) this.#array(value as readonly unknown[])
    else this.#object(value)
  }

  #array(value: readonly unknown[]): void {
    if (value.length > this.#limits.maxBytes) throw tooLong(this.#limits.maxBytes)
    this.#emit('[')
    for (let index = 0; index < value.length; index += 1) {
      if (index > 0) this.#emit(',')
      this.#member(index, value[index])
    }
    if (Object.keys(value).length !== value.length) throw this.#refusal('an array with named members would lose them')
    this.#emit(']')
  }

  #object(value: object): void {
    if (!isPlainObject(value)) throw this.#refusal(`${className(value)} is not a plain object`)
    if (Object.getOwnPropertySymbols(value).length > 0) throw this.#refusal('members named by symbols would be lost')
    this.#emit('{')
    // The default order of sort() is by UTF-16 code units, as the RFC asks; localeCompare would not be.
    for (const [index, key] of Object.keys(value).sort().entries()) {
      if (index > 0) this.#emit(',')
      this.#string(key)
      this.#emit(':')
      this.#member(key, value[key])
    }
    this.#emit('}')
  }

  #member(step: string | number, value: unknown): void {
    this.#path.push(step)
    this.#value(value)
    this.#path.pop()
  }

  /** UTF-16 units never outnumber UTF-8 bytes, so this stops early and never wrongly; the exact count comes last. */
  #emit(piece: string): void {
    this.#text += piece
    if (this.#text.length > this.#limits.maxBytes) throw tooLong(this.#limits.maxBytes)
  }

  #refusal(rule: string): CanonicalJsonError {
    const path = this.#path.reduce<string>((text, step) => text + (typeof step === 'number' ? `[${step}]` : `.${step}`), '$')
    return new CanonicalJsonError(`no canonical JSON at ${path}: ${rule}`, { facts: { path, rule } })
  }
}

function tooLong(maxBytes: number): CanonicalJsonError {
  const rule = `longer than ${maxBytes} bytes`
  return new CanonicalJsonError(`no canonical JSON: the text is ${rule}`, { facts: { path: '$', rule } })
}

function className(value: object): string {
  const constructor: unknown = (value as { readonly constructor?: unknown }).constructor
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'an object with a prototype'
}
