import { CacheKeyError, CacheOptionError } from './errors.ts'

export const MAX_KEY_BYTES = 1_024

/** Also what makes a name safe inside Redis' glob patterns: it has none of `*?[]\`, and no `/`. */
const SAFE_NAME = /^[\w:.-]{1,128}$/
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/

/** A key as tiers see it. */
export interface TierKey {
  /** Unique over everything that shares the tier: `environment/version/namespace/key`. */
  readonly id: string
  /** The part of `id` before the last separator of the prefix; no other namespace's prefix starts with it plus `/`. */
  readonly namespace: string
}

/** The prefix of one namespace. The separator cannot occur in its parts, so `users` never covers `usersAbc`. */
export function namespacePrefix(environment: string, version: string, name: string): string {
  return [checkedName('environment', environment), checkedName('version', version), checkedName('namespace', name)].join('/')
}

/** @throws {CacheKeyError} for an empty, over-long, ill-formed or control-bearing key */
export function tierKey(namespace: string, key: string): TierKey {
  return { namespace, id: `${namespace}/${checkedKey(key)}` }
}

/** The caller's own part of a key. */
export function keyWithin({ namespace, id }: TierKey): string {
  return id.slice(namespace.length + 1)
}

/** What all namespaces of one installation share, of a prefix: `environment/version`. */
export function installationOf(namespace: string): string {
  return namespace.slice(0, namespace.lastIndexOf('/'))
}

/** A name usable as a namespace, environment or version. @throws {CacheOptionError} */
export function checkedName(field: string, name: string): string {
  if (typeof name === 'string' && SAFE_NAME.test(name)) return name
  throw new CacheOptionError(`${field} must match ${SAFE_NAME.source}, got ${JSON.stringify(name)}`, { facts: { field } })
}

function checkedKey(key: string): string {
  if (typeof key !== 'string') throw keyError(`must be a string, got a ${typeof key}`)
  if (key === '') throw keyError('must not be empty')
  if (CONTROL_CHARACTER.test(key)) throw keyError('must not contain control characters')
  if (!key.isWellFormed()) throw keyError('must be well-formed Unicode: it contains a lone surrogate')
  // Three bytes a UTF-16 unit at most, so that short keys need no counting.
  if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw keyError(`must be at most ${MAX_KEY_BYTES} bytes of UTF-8, got ${Buffer.byteLength(key)}`)
  }
  return key
}

function keyError(rule: string): CacheKeyError {
  return new CacheKeyError(`a cache key ${rule}`, { facts: { rule } })
}
