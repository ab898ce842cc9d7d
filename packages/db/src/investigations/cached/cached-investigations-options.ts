import { systemClock, type Clock, type EventSource } from '@cidadao/contracts'
import type { DatabaseEvents } from '../../events.ts'
import { requireInteger } from '../../option-checks.ts'
import type { InvestigationStore } from '../investigation-store.ts'
import type { InvestigationCachePort } from './investigation-cache-port.ts'

/** Everything that can be asked of investigations; the store has it, and the cached store too. */
export type Investigations = Pick<InvestigationStore, 'save' | 'saveMany' | 'get' | 'find' | 'stats' | 'cancel' | 'erase' | 'eraseExpired'>

export interface CachedInvestigationsOptions {
  /** Where the truth is. */
  readonly store: Investigations
  readonly cache: InvestigationCachePort
  /** Those of the database of `store`: they tell of writes in transactions, which come past the cached store. */
  readonly events: EventSource<DatabaseEvents>
  /** For how long one that has ended is kept, in milliseconds. @default 3_600_000 */
  readonly endedTtlMs?: number
  /** For how long one that has not ended is kept, in milliseconds; 0 keeps it not at all. @default 0 */
  readonly openTtlMs?: number
  /** Longest wait for the cache before doing without it, in milliseconds; waiting for the database does not count. @default 500 */
  readonly cacheTimeoutMs?: number
  /** Of how many investigations written last the version is remembered. @default 10_000 */
  readonly maxRemembered?: number
  /** @default systemClock */
  readonly clock?: Clock
}

export type ResolvedCachedInvestigationsOptions = Readonly<Required<CachedInvestigationsOptions>>

const DEFAULTS = Object.freeze({ endedTtlMs: 3_600_000, openTtlMs: 0, cacheTimeoutMs: 500, maxRemembered: 10_000, clock: systemClock })

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveCachedInvestigationsOptions(options: CachedInvestigationsOptions): ResolvedCachedInvestigationsOptions {
  const resolved = { ...DEFAULTS, ...options }
  requireInteger('endedTtlMs', resolved.endedTtlMs, { min: 0 })
  requireInteger('openTtlMs', resolved.openTtlMs, { min: 0 })
  requireInteger('cacheTimeoutMs', resolved.cacheTimeoutMs, { min: 1 })
  requireInteger('maxRemembered', resolved.maxRemembered, { min: 1 })
  return Object.freeze(resolved)
}
