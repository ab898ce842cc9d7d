import type { WriteOutcome } from '../lookup.ts'

/** An invalidation on its way between systems: plain data, as an outbox stores it. */
export interface InvalidationMessage {
  /** Name of the policy, which is that of the namespace. */
  readonly namespace: string
  readonly keys?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  /** Everything in the namespace. @default false */
  readonly all?: boolean | undefined
}

/** What of a namespace an invalidation needs. */
export interface Invalidatable {
  deleteMany(keys: readonly string[]): Promise<WriteOutcome>
  invalidateTags(tags: readonly string[]): Promise<WriteOutcome>
  clear(): Promise<WriteOutcome>
}

/**
 * Deletes and marks, and stores nothing: doing it twice, or in another order, ends in the same state.
 * Rejects with `CacheUnavailableError` when a tier could not be reached, so that whoever delivers it does so again.
 */
export async function applyTo(namespace: Invalidatable, { keys = [], tags = [], all = false }: InvalidationMessage): Promise<void> {
  const outcomes = all
    ? [await namespace.clear()]
    : await Promise.all([
        ...(keys.length > 0 ? [namespace.deleteMany(keys)] : []),
        ...(tags.length > 0 ? [namespace.invalidateTags(tags)] : []),
      ])
  for (const outcome of outcomes) if (outcome.outcome === 'pending') throw outcome.cause
}
