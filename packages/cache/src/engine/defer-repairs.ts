import { keyWithin } from '../key.ts'
import type { GuardedTier } from '../tiers/guarded-tier.ts'
import type { Engine, NamespaceContext } from './engine.ts'

/**
 * Has what tiers still hold, and this process will not be there to drop, dropped by somebody else. Only now, for what was
 * set: an invalidation that is under way while the process lives would remove what it has stored, here or elsewhere.
 */
export function deferRepairs(engine: Engine, tiers: readonly GuardedTier[], contexts: ReadonlyMap<string, NamespaceContext>): void {
  const keys = Map.groupBy(
    tiers.flatMap((tier) => tier.repairs.keys()),
    ({ namespace }) => namespace,
  )
  const cleared = new Set(tiers.flatMap((tier) => tier.repairs.namespaces()))
  for (const [prefix, { policy }] of contexts) {
    const own = keys.get(prefix)
    if (cleared.has(prefix)) engine.deferInvalidation({ namespace: policy.name, clear: 'all' })
    else if (own !== undefined) engine.deferInvalidation({ namespace: policy.name, keys: [...new Set(own.map(keyWithin))] })
  }
}
