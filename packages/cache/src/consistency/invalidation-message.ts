export const INVALIDATION_TARGETS = ['keys', 'tags', 'all'] as const
export type InvalidationTarget = (typeof INVALIDATION_TARGETS)[number]

/** An invalidation on its way between systems, as an outbox stores and delivers it. */
export interface InvalidationMessage {
  /** Name of the policy, which is that of the namespace. */
  readonly namespace: string
  readonly target: InvalidationTarget
  /** Keys or tags; empty for `'all'`. */
  readonly names: readonly string[]
}

/** The same as callers write it. */
export type RequestedInvalidation =
  | { readonly namespace: string; readonly keys: readonly string[] }
  | { readonly namespace: string; readonly tags: readonly string[] }
  | { readonly namespace: string; readonly clear: 'all' }

export function toMessage(requested: RequestedInvalidation): InvalidationMessage {
  const { namespace } = requested
  if ('clear' in requested) return { namespace, target: 'all', names: [] }
  if ('keys' in requested) return { namespace, target: 'keys', names: requested.keys }
  return { namespace, target: 'tags', names: requested.tags }
}

/** Keeps what could not reach a tier, in a store that outlives this process, until `applyInvalidation` is called with it. */
export interface PendingInvalidations {
  add(invalidation: RequestedInvalidation): Promise<void>
}
