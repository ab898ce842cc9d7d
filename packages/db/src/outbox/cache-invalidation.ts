import { InvalidInvalidationError } from '../errors/outbox-errors.ts'

/** What an invalidation names: entries by key, entries by tag, or all of a namespace. */
export const INVALIDATION_TARGETS = ['keys', 'tags', 'all'] as const
export type InvalidationTarget = (typeof INVALIDATION_TARGETS)[number]

/** What must no longer be served from the cache once the transaction has committed. */
export type CacheInvalidation =
  | { readonly namespace: string; readonly keys: readonly string[] }
  | { readonly namespace: string; readonly tags: readonly string[] }
  | { readonly namespace: string; readonly clear: 'all' }

/** One row to be. */
export interface OutboxDraft {
  readonly namespace: string
  readonly target: InvalidationTarget
  /** Empty for `'all'`. */
  readonly names: readonly string[]
}

/** Most names in one row; longer lists become several rows. The table holds to the same bound. */
export const MAX_NAMES = 1_000
const MAX_NAMES_A_CALL = 100_000
const MAX_NAME_BYTES = 1_024
const NAMESPACE = /^[\w:.-]{1,128}$/
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/

/** Checks and cuts into rows, each name once. Throws `InvalidInvalidationError`. */
export function toOutboxDrafts(invalidation: CacheInvalidation): readonly OutboxDraft[] {
  const { namespace } = invalidation
  if (typeof namespace !== 'string' || !NAMESPACE.test(namespace)) {
    throw new InvalidInvalidationError('namespace', `must match ${NAMESPACE.source}`)
  }
  if ('clear' in invalidation) return [{ namespace, target: 'all', names: [] }]
  const [target, given] = 'keys' in invalidation ? (['keys', invalidation.keys] as const) : (['tags', invalidation.tags] as const)
  const names = checkedNames(target, given)
  const drafts: OutboxDraft[] = []
  for (let start = 0; start < names.length; start += MAX_NAMES) {
    drafts.push({ namespace, target, names: names.slice(start, start + MAX_NAMES) })
  }
  return drafts
}

function checkedNames(field: string, names: readonly string[]): readonly string[] {
  const isList: boolean = Array.isArray(names)
  if (!isList || names.length > MAX_NAMES_A_CALL) {
    throw new InvalidInvalidationError(field, `must be a list of at most ${MAX_NAMES_A_CALL} names`)
  }
  return [...new Set(names.map((name) => checkedName(field, name)))]
}

/** The rules of the cache's keys, so that what cannot be a key is refused before it is stored and not when it is delivered. */
function checkedName(field: string, name: string): string {
  if (typeof name !== 'string' || name === '') throw new InvalidInvalidationError(field, 'must be texts that are not empty')
  if (CONTROL_CHARACTER.test(name)) throw new InvalidInvalidationError(field, 'must not contain control characters')
  if (!name.isWellFormed()) throw new InvalidInvalidationError(field, 'must be well-formed Unicode')
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new InvalidInvalidationError(field, `must have at most ${MAX_NAME_BYTES} bytes of UTF-8 each`)
  }
  return name
}
