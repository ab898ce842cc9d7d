import { toMessage, type InvalidationMessage, type RequestedInvalidation } from './invalidation-message.ts'

/** Writes an invalidation as part of the caller's transaction: it exists if and only if that commits. */
export interface InvalidationOutbox<Tx> {
  add(tx: Tx, invalidation: RequestedInvalidation): void | Promise<void>
}

export interface TransactionalParts<Tx> {
  readonly cache: { applyInvalidation(message: InvalidationMessage): Promise<void> }
  readonly outbox: InvalidationOutbox<Tx>
  /** Told of a direct invalidation that did not get through; the outbox will. @default nobody: the cache's own events tell, too */
  readonly onDeferred?: (error: unknown) => void
}

/** Within a transaction: has these entries invalidated once it has committed. */
export type Invalidate<Tx> = (tx: Tx, ...invalidations: readonly RequestedInvalidation[]) => Promise<void>

/**
 * Runs a transaction whose invalidations hold exactly if it commits. Each is written to the outbox in the transaction
 * itself, whose relay is what guarantees it; after the commit it is also carried out directly, which is what makes it
 * quick. Never before: a reader could put back what is about to change. A transaction that fails invalidates nothing;
 * one whose commit is in doubt is left to the relay.
 */
export async function invalidateInTransaction<Tx, T>(
  parts: TransactionalParts<Tx>,
  transact: (invalidate: Invalidate<Tx>) => Promise<T>,
): Promise<T> {
  const { cache, outbox, onDeferred = () => {} } = parts
  const requested: RequestedInvalidation[] = []
  const result = await transact(async (tx, ...invalidations) => {
    for (const invalidation of invalidations) {
      await outbox.add(tx, invalidation)
      requested.push(invalidation)
    }
  })
  const direct = await Promise.allSettled(requested.map((invalidation) => cache.applyInvalidation(toMessage(invalidation))))
  for (const outcome of direct) if (outcome.status === 'rejected') onDeferred(outcome.reason)
  return result
}
