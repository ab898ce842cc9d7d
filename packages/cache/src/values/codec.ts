import { defineOwn } from './clone.ts'
import type { Inspection } from './inspect.ts'

/** How a value is written as bytes and read back, identified in the envelope. Ids are for ever. */
export interface Codec {
  readonly id: number
  encode(value: unknown): Buffer
  decode(bytes: Buffer): unknown
}

/** For values that JSON reproduces exactly: the fast path. */
const plainJson: Codec = {
  id: 1,
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(bytes.toString('utf8')) as unknown,
}

/**
 * JSON in which everything else is an object with a `$` member naming its kind: undefined, numbers that JSON lacks,
 * bigint, Date, Map, Set, Buffer, Uint8Array. Objects that have a `$` or `__proto__` member themselves, or no
 * prototype, are written as entries.
 */
const taggedJson: Codec = {
  id: 2,
  encode: (value) => Buffer.from(JSON.stringify(tag(value))),
  decode: (bytes) => untag(JSON.parse(bytes.toString('utf8'))),
}

const CODECS: readonly Codec[] = [plainJson, taggedJson]

/** The codec for a value, by what it is made of. */
export function codecFor(inspection: Pick<Inspection, 'plain'>): Codec {
  return inspection.plain ? plainJson : taggedJson
}

/** The codec of an entry read from a tier; `undefined` for one that this version does not know. */
export function codecById(id: number): Codec | undefined {
  return CODECS.find((codec) => codec.id === id)
}

interface Tagged {
  readonly $: string
  readonly v?: unknown
}

function tag(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return tagObject(value)
  if (value === undefined) return { $: 'undefined' }
  if (typeof value === 'bigint') return { $: 'bigint', v: value.toString() }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) }
  }
  return value
}

function tagObject(value: object): unknown {
  if (Array.isArray(value)) return value.map(tag)
  if (value instanceof Date) return { $: 'date', v: Number.isNaN(value.getTime()) ? null : value.getTime() }
  if (value instanceof Map) return { $: 'map', v: Array.from(value, ([key, item]) => [tag(key), tag(item)]) }
  if (value instanceof Set) return { $: 'set', v: Array.from(value, tag) }
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return { $: Buffer.isBuffer(value) ? 'buffer' : 'bytes', v: bytes.toString('base64') }
  }
  const entries = Object.entries(value).map(([key, item]) => [key, tag(item)] as const)
  if (Object.getPrototypeOf(value) === null) return { $: 'bare', v: entries }
  if (Object.hasOwn(value, '$') || Object.hasOwn(value, '__proto__')) return { $: 'object', v: entries }
  return Object.fromEntries(entries)
}

function untag(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return node.map(untag)
  if ('$' in node) return untagTagged(node as Tagged)
  const value: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(node)) value[key] = untag(item)
  return value
}

function untagTagged({ $: kind, v }: Tagged): unknown {
  switch (kind) {
    case 'undefined':
      return undefined
    case 'number':
      return Number(v)
    case 'bigint':
      return BigInt(v as string)
    case 'date':
      return new Date(v === null ? Number.NaN : (v as number))
    case 'map':
      return new Map((v as [unknown, unknown][]).map(([key, item]) => [untag(key), untag(item)]))
    case 'set':
      return new Set((v as unknown[]).map(untag))
    case 'buffer':
      return Buffer.from(v as string, 'base64')
    case 'bytes':
      return new Uint8Array(Buffer.from(v as string, 'base64'))
    case 'bare':
      return fromEntries(Object.create(null) as object, v as [string, unknown][])
    case 'object':
      return fromEntries({}, v as [string, unknown][])
    default:
      throw new TypeError('unknown kind of value')
  }
}

function fromEntries(target: object, entries: readonly [string, unknown][]): object {
  for (const [key, item] of entries) defineOwn(target, key, untag(item))
  return target
}
