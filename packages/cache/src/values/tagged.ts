import { defineOwn } from './clone.ts'

/** How a format that is not JSON's writes bytes inside a value. */
export interface BytesFormat {
  write(bytes: Buffer): unknown
  read(written: unknown): Buffer
}

interface Tagged {
  readonly $: string
  readonly v?: unknown
}

/**
 * A value as plain objects, arrays and what JSON has, in which everything else is an object with a `$` member naming
 * its kind: undefined, numbers that JSON lacks, bigint, Date, Map, Set, Buffer, Uint8Array. Objects that have a `$`
 * member themselves, or no prototype, are written as entries.
 */
export function tag(value: unknown, format: BytesFormat): unknown {
  if (typeof value === 'object' && value !== null) return tagObject(value, format)
  if (value === undefined) return { $: 'undefined' }
  if (typeof value === 'bigint') return { $: 'bigint', v: value.toString() }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) }
  }
  return value
}

function tagObject(value: object, format: BytesFormat): unknown {
  const inner = (item: unknown): unknown => tag(item, format)
  if (Array.isArray(value)) return value.map(inner)
  if (value instanceof Date) return { $: 'date', v: Number.isNaN(value.getTime()) ? null : value.getTime() }
  if (value instanceof Map) return { $: 'map', v: Array.from(value, ([key, item]) => [inner(key), inner(item)]) }
  if (value instanceof Set) return { $: 'set', v: Array.from(value, inner) }
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return { $: Buffer.isBuffer(value) ? 'buffer' : 'bytes', v: format.write(bytes) }
  }
  const entries = Object.entries(value).map(([key, item]) => [key, inner(item)] as const)
  if (Object.getPrototypeOf(value) === null) return { $: 'bare', v: entries }
  if (Object.hasOwn(value, '$')) return { $: 'object', v: entries }
  return Object.fromEntries(entries)
}

/** The value that {@link tag} was given. @throws for what it cannot have made */
export function untag(node: unknown, format: BytesFormat): unknown {
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return node.map((item) => untag(item, format))
  if ('$' in node) return untagTagged(node as Tagged, format)
  const value: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(node)) defineOwn(value, key, untag(item, format))
  return value
}

function untagTagged({ $: kind, v }: Tagged, format: BytesFormat): unknown {
  const inner = (item: unknown): unknown => untag(item, format)
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
      return new Map((v as [unknown, unknown][]).map(([key, item]) => [inner(key), inner(item)]))
    case 'set':
      return new Set((v as unknown[]).map(inner))
    case 'buffer':
      return format.read(v)
    case 'bytes':
      return new Uint8Array(format.read(v))
    case 'bare':
      return fromEntries(Object.create(null) as object, v as [string, unknown][], inner)
    case 'object':
      return fromEntries({}, v as [string, unknown][], inner)
    default:
      throw new TypeError('unknown kind of value')
  }
}

function fromEntries(target: object, entries: readonly [string, unknown][], inner: (item: unknown) => unknown): object {
  for (const [key, item] of entries) defineOwn(target, key, inner(item))
  return target
}
