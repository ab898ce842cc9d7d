import type { Cache, InvalidationMessage } from '@cidadao/cache'
import { hasCode } from '@cidadao/contracts'
import type { DeliverOutbox, Investigation, InvestigationCachePort, OutboxMessage } from '@cidadao/db'

/** Policy and namespace of cached investigations; writes to them name it in the outbox. */
export const INVESTIGATION_CACHE = 'investigation_results'

/** The cache as the investigations' store sees it. */
export function investigationCache(cache: Pick<Cache, 'namespace'>): InvestigationCachePort {
  // Null for absence, which is handed out and not kept.
  const rows = cache.namespace<Investigation | null>(INVESTIGATION_CACHE)
  return {
    getOrLoad: async (id, load) => {
      const kept = await rows.getOrSet(id, async (context) => {
        const { row, ttlMs } = await load()
        context.adapt(row === undefined || ttlMs === 0 ? { skip: true } : { ttlMs })
        return row ?? null
      })
      return kept ?? undefined
    },
    // Where a tier is away this process acts on it all the same, and the outbox has it for the others.
    delete: async (ids) => {
      await rows.deleteMany(ids)
    },
  }
}

/** Carries invalidations from the outbox into the cache; one of a namespace that nobody knows can never arrive. */
export function deliverInto(cache: Pick<Cache, 'applyInvalidation'>): DeliverOutbox {
  return async (messages, signal) => {
    const refusals: { readonly id: string; readonly reason: string }[] = []
    for (const group of groups(messages)) {
      signal.throwIfAborted()
      try {
        await cache.applyInvalidation(group.message)
      } catch (error) {
        if (!hasCode(error, 'CACHE_POLICY_UNKNOWN')) throw error
        refusals.push(...group.ids.map((id) => ({ id, reason: 'CACHE_POLICY_UNKNOWN' })))
      }
    }
    return refusals
  }
}

interface Group {
  readonly message: InvalidationMessage
  readonly ids: readonly string[]
}

/** What is of one kind goes together: a thousand saves are one round trip. */
function groups(messages: readonly OutboxMessage[]): readonly Group[] {
  const byKind = Map.groupBy(messages, ({ namespace, target }) => `${target} ${namespace}`)
  return [...byKind.values()].flatMap((alike) => {
    const [first] = alike
    if (first === undefined) return []
    const { namespace, target } = first
    const names = [...new Set(alike.flatMap((message) => message.names))]
    return [{ message: { namespace, target, names }, ids: alike.map(({ id }) => id) }]
  })
}
