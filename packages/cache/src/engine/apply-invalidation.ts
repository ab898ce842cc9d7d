import { mapBounded } from '../concurrency/map-bounded.ts'
import type { InvalidationMessage } from '../consistency/invalidation-message.ts'
import { tierKey } from '../key.ts'
import type { WriteOutcome } from '../lookup.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import { clearThrough, deleteThrough, invalidateTagsThrough } from './write-tiers.ts'

const CONCURRENCY = 64

/**
 * Deletes and marks, and stores nothing: doing it twice, or in another order, ends in the same state. Rejects with
 * `CacheUnavailableError` when a tier could not be reached, so that whoever delivers it does so again.
 */
export async function applyMessage(engine: Engine, context: NamespaceContext, message: InvalidationMessage): Promise<void> {
  for (const outcome of await outcomesOf(engine, context, message)) if (outcome.outcome === 'pending') throw outcome.cause
}

async function outcomesOf(
  engine: Engine,
  context: NamespaceContext,
  { target, names }: InvalidationMessage,
): Promise<readonly WriteOutcome[]> {
  switch (target) {
    case 'all':
      return [await clearThrough(engine, context)]
    case 'tags':
      return [await invalidateTagsThrough(engine, context, names)]
    case 'keys':
      return mapBounded(names, CONCURRENCY, (name) => deleteThrough(engine, context, tierKey(context.prefix, name)))
  }
}
