import { CacheValueError, CacheValueTooLargeError } from '../errors.ts'

/** What storing needs to know of a value, learnt in one walk over it. */
export interface Inspection {
  /** Rough heap size. */
  readonly bytes: number
  /** Plain JSON reproduces it exactly. */
  readonly plain: boolean
  /** No other codec does: it has objects without prototype, or ill-formed text. */
  readonly jsonOnly: boolean
  /** Freezing protects it wholly. Dates, maps, sets and buffers cannot be frozen: each reader gets a clone instead. */
  readonly frozen: boolean
}

export interface InspectionOptions {
  /** Freeze objects and arrays in place. */
  readonly freeze: boolean
  /** Largest rough heap size; the walk ends where it is passed. @default no limit */
  readonly maxBytes?: number
}

interface Walk {
  readonly freeze: boolean
  readonly maxBytes: number
  readonly ancestors: Set<object>
  bytes: number
  plain: boolean
  jsonOnly: boolean
  frozen: boolean
}

const OBJECT_BYTES = 32
const SLOT_BYTES = 8
/** What is nested deeper is a list or a cycle in disguise, and readers of stored values recurse. */
export const MAX_DEPTH = 200

/**
 * Walks `value`, refusing what could not be read back exactly from another tier, so that a key has one type whichever
 * tier answers.
 * @throws {CacheValueError | CacheValueTooLargeError}
 */
export function inspectValue(value: unknown, options: InspectionOptions): Inspection {
  const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY
  const walk: Walk = { freeze: options.freeze, maxBytes, ancestors: new Set(), bytes: 0, plain: true, jsonOnly: false, frozen: true }
  visit(value, walk)
  return { bytes: walk.bytes, plain: walk.plain, jsonOnly: walk.jsonOnly, frozen: walk.frozen }
}

function add(walk: Walk, bytes: number): void {
  walk.bytes += bytes
  if (walk.bytes > walk.maxBytes) {
    throw new CacheValueTooLargeError(`a cached value may take ${walk.maxBytes} bytes of memory; this one takes more`, {
      facts: { maxValueBytes: walk.maxBytes },
    })
  }
}

function visit(value: unknown, walk: Walk): void {
  add(walk, SLOT_BYTES)
  switch (typeof value) {
    case 'string':
      visitText(value, walk)
      return
    case 'boolean':
      return
    case 'number':
      if (!Number.isFinite(value) || Object.is(value, -0)) walk.plain = false
      return
    case 'undefined':
    case 'bigint':
      walk.plain = false
      return
    case 'object':
      if (value !== null) visitObject(value, walk)
      return
    default:
      throw unsupported(`a ${typeof value}`)
  }
}

function visitText(text: string, walk: Walk): void {
  add(walk, text.length * 2)
  if (!text.isWellFormed()) walk.jsonOnly = true
}

function visitObject(value: object, walk: Walk): void {
  if (walk.ancestors.has(value)) throw unsupported('an object that contains itself')
  if (walk.ancestors.size >= MAX_DEPTH) throw unsupported(`objects nested deeper than ${MAX_DEPTH} levels`)
  add(walk, OBJECT_BYTES)
  walk.ancestors.add(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) visitArray(value, walk)
  else if (prototype === Object.prototype) visitPlainObject(value, walk)
  else visitSpecial(value, prototype, walk)
  walk.ancestors.delete(value)
}

function visitArray(value: readonly unknown[], walk: Walk): void {
  for (let index = 0; index < value.length; index++) {
    const item = value[index]
    if (item === undefined && !(index in value)) throw unsupported('an array with holes')
    visit(item, walk)
  }
  if (walk.freeze) Object.freeze(value)
}

function visitPlainObject(value: object, walk: Walk): void {
  if (Object.getOwnPropertySymbols(value).length > 0) throw unsupported('an object with symbol keys')
  for (const key of Object.keys(value)) {
    // Merged by plain assignment somewhere, it would change a prototype.
    if (key === '__proto__') throw unsupported('an object with a __proto__ key')
    visitText(key, walk)
    visit((value as Record<string, unknown>)[key], walk)
  }
  if (walk.freeze) Object.freeze(value)
}

function visitSpecial(value: object, prototype: unknown, walk: Walk): void {
  walk.plain = false
  if (prototype === null) {
    walk.jsonOnly = true
    return visitPlainObject(value, walk)
  }
  walk.frozen = false
  if (prototype === Date.prototype) return
  if (prototype === Map.prototype) {
    for (const [key, item] of value as Map<unknown, unknown>) {
      visit(key, walk)
      visit(item, walk)
    }
  } else if (prototype === Set.prototype) {
    for (const item of value as Set<unknown>) visit(item, walk)
  } else if (prototype === Uint8Array.prototype || prototype === Buffer.prototype) {
    add(walk, (value as Uint8Array).byteLength)
  } else {
    throw unsupported(`an instance of ${nameOf(prototype)}`)
  }
}

function nameOf(prototype: unknown): string {
  const { constructor } = prototype as { readonly constructor?: unknown }
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'an unnamed class'
}

function unsupported(what: string): CacheValueError {
  return new CacheValueError(
    `a cached value is made of plain objects, arrays, primitives, Date, Map, Set, Buffer and Uint8Array; got ${what}`,
    { facts: { got: what } },
  )
}
