import { CacheTagError } from '../errors.ts'

/** What of one namespace is no longer to be believed. Never carries a value. */
export interface Invalidation {
  /** The callers' own keys, without the namespace's prefix. */
  readonly keys: readonly string[]
  readonly tags: readonly string[]
  /** Everything that the namespace has. */
  readonly all: boolean
}

/** An invalidation as the namespace's clock has recorded it. */
export interface LoggedInvalidation extends Invalidation {
  /** The namespace's prefix. */
  readonly namespace: string
  /** Its place in the namespace's order; later ones are higher. */
  readonly sequence: number
  /** The sequence directly before it: whoever has not seen that one has missed something. */
  readonly previous: number
  /** The cache that it came from, so that it need not drop what it has just written itself. */
  readonly origin: string
}

export const MAX_TAG_BYTES = 256
export const MAX_TAGS = 64

const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/

/** Without duplicates. @throws {CacheTagError} for an empty, over-long, ill-formed or control-bearing tag, or too many */
export function checkedTags(tags: readonly string[]): readonly string[] {
  const unique = [...new Set(tags)]
  if (unique.length > MAX_TAGS) throw tagError(`at most ${MAX_TAGS} tags, got ${unique.length}`)
  for (const tag of unique) {
    if (typeof tag !== 'string' || tag === '') throw tagError('each a string that is not empty')
    if (CONTROL_CHARACTER.test(tag) || !tag.isWellFormed()) throw tagError('each well-formed Unicode without control characters')
    if (Buffer.byteLength(tag) > MAX_TAG_BYTES) throw tagError(`each at most ${MAX_TAG_BYTES} bytes of UTF-8`)
  }
  return Object.freeze(unique)
}

/** What of an invalidation is known before the clock gives it a place. */
export function encodeBody(origin: string, what: Invalidation): string {
  return JSON.stringify({
    o: origin,
    ...(what.keys.length > 0 && { k: what.keys }),
    ...(what.tags.length > 0 && { t: what.tags }),
    ...(what.all && { a: 1 }),
  })
}

/** A recorded invalidation as text: namespace, sequence, previous and body, which scripts put together without parsing. */
export function encodeLogged(namespace: string, place: { readonly sequence: number; readonly previous: number }, body: string): string {
  return `${namespace} ${place.sequence} ${place.previous} ${body}`
}

/** `undefined` for anything that is not one: what strangers publish is not an error of ours. */
export function decodeLogged(text: string): LoggedInvalidation | undefined {
  const parts = /^([^ ]+) (\d+) (\d+) (\{.*\})$/s.exec(text)
  if (parts === null) return undefined
  const [, namespace = '', sequence, previous, body = ''] = parts
  const parsed = parsedBody(body)
  return parsed && { namespace, sequence: Number(sequence), previous: Number(previous), ...parsed }
}

function parsedBody(text: string): (Invalidation & { readonly origin: string }) | undefined {
  try {
    const body = JSON.parse(text) as Record<string, unknown>
    if (typeof body.o !== 'string') return undefined
    return { origin: body.o, keys: texts(body.k), tags: texts(body.t), all: body.a === 1 }
  } catch {
    // Foreign bytes on the channel; a gap in the sequence would show what was lost.
    return undefined
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}

function tagError(rule: string): CacheTagError {
  return new CacheTagError(`tags must be ${rule}`, { facts: { rule } })
}
