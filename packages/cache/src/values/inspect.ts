import { CacheValueError } from '../errors.ts'

/** What storing needs to know of a value, learnt in one walk over it. */
export interface Inspection {
  /** Rough heap size. */
  readonly bytes: number
  /** Plain JSON reproduces it exactly. */
  readonly plain: boolean
  /** Freezing protects it wholly. Dates, maps, sets and buffers cannot be frozen: each reader gets a clone instead. */
  readonly frozen: boolean
}

interface Walk {
  readonly freeze: boolean
  readonly ancestors: Set<object>
  bytes: number
  plain: boolean
  frozen: boolean
}

const OBJECT_BYTES = 32
const SLOT_BYTES = 8

/**
 * Walks `value`, refusing what could not be read back exactly from another tier, so that a key has one type whichever
 * tier answers. With `freeze`, objects and arrays are frozen in place.
 * @throws {CacheValueError}
 */
export function inspectValue(value: unknown, options: { readonly freeze: boolean }): Inspection {
  const walk: Walk = { freeze: options.freeze, ancestors: new Set(), bytes: 0, plain: true, frozen: true }
  visit(value, walk)
  return { bytes: walk.bytes, plain: walk.plain, frozen: walk.frozen }
}

function visit(value: unknown, walk: Walk): void {
  walk.bytes += SLOT_BYTES
  switch (typeof value) {
    case 'string':
      walk.bytes += value.length * 2
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

function visitObject(value: object, walk: Walk): void {
  if (walk.ancestors.has(value)) throw unsupported('an object that contains itself')
  walk.bytes += OBJECT_BYTES
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
    walk.bytes += key.length * 2
    visit((value as Record<string, unknown>)[key], walk)
  }
  if (walk.freeze) Object.freeze(value)
}

function visitSpecial(value: object, prototype: unknown, walk: Walk): void {
  walk.plain = false
  if (prototype === null) return visitPlainObject(value, walk)
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
    walk.bytes += (value as Uint8Array).byteLength
  } else {
    throw unsupported(`an instance of ${value.constructor.name}`)
  }
}

function unsupported(what: string): CacheValueError {
  return new CacheValueError(
    `a cached value is made of plain objects, arrays, primitives, Date, Map, Set, Buffer and Uint8Array; got ${what}`,
    { facts: { got: what } },
  )
}
