import type { ResyncReason } from './consistency/namespace-clock.ts'
import type { CacheUnavailableError } from './errors.ts'
import type { TierState } from './tiers/breaker.ts'

export const LOOKUP_OUTCOMES = ['hit', 'stale', 'miss', 'unavailable'] as const
export type LookupOutcome = (typeof LOOKUP_OUTCOMES)[number]

export const EVICTION_REASONS = ['capacity', 'too-large'] as const
export type EvictionReason = (typeof EVICTION_REASONS)[number]

export const CACHE_OPERATIONS = [
  'read',
  'write',
  'fill',
  'delete',
  'clear',
  'sweep',
  'lease',
  'invalidate',
  'verify',
  'decode',
  'probe',
  'factory',
  'check',
] as const
export type CacheOperation = (typeof CACHE_OPERATIONS)[number]

/** Nothing here carries a key: keys may be personal, and labels must stay bounded. */
export interface CacheEvents {
  /** A read was answered; `tier` is present on a hit. One event a call, however many tiers were asked. */
  readonly lookup: { readonly namespace: string; readonly outcome: LookupOutcome; readonly tier?: string }
  /** A value was stored by `set` or by a factory; `superseded` when an invalidation overtook the factory. */
  readonly set: { readonly namespace: string; readonly source: 'set' | 'factory'; readonly outcome: 'done' | 'pending' | 'superseded' }
  /** An entry was invalidated; `pending` while a tier that was not reachable still has to drop it. */
  readonly delete: { readonly namespace: string; readonly outcome: 'done' | 'pending' }
  /** Entries were invalidated by their tags, or a namespace as a whole; `pending` as for `delete`. */
  readonly invalidate: { readonly namespace: string; readonly scope: 'tags' | 'all'; readonly outcome: 'done' | 'pending' }
  /** Invalidations may have been missed, so memory let go of the namespace; `lost-invalidations`: the shared tier had forgotten some that it had acknowledged, and the whole namespace was invalidated. */
  readonly resync: { readonly namespace: string; readonly reason: ResyncReason }
  /** A factory ended. */
  readonly factory: { readonly namespace: string; readonly outcome: 'ok' | 'failed' | 'aborted' | 'timeout'; readonly durationMs: number }
  /** A shared tier was asked; `timeout`: its budget was spent. Memory is not timed: that would cost more than the hit. */
  readonly operation: {
    readonly tier: string
    readonly operation: CacheOperation
    readonly outcome: 'ok' | 'failed' | 'timeout'
    readonly durationMs: number
  }
  /** A caller waits for a value that another one of this process is already loading. */
  readonly join: { readonly namespace: string }
  /** A hit was compared with its origin (`checkFraction`); `ageMs` is the hit's age, so of a stale one at most its staleness. */
  readonly check: {
    readonly namespace: string
    readonly tier: string
    readonly outcome: 'same' | 'stale' | 'failed'
    readonly ageMs: number
  }
  /** The memory tier let an entry go before its time. */
  readonly evict: { readonly reason: EvictionReason }
  /** A tier's breaker changed state. */
  readonly 'tier-state': { readonly tier: string; readonly from: TierState; readonly to: TierState; readonly cause?: CacheUnavailableError }
  /** Something failed that the caller may not have seen. Not repeated while a breaker is open. */
  readonly error: { readonly operation: CacheOperation; readonly error: Error; readonly tier?: string; readonly namespace?: string }
}
