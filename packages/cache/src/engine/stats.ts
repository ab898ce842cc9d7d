import type { TierState } from '../tiers/breaker.ts'
import type { TierCounters } from '../tiers/guarded-tier.ts'
import type { EntryFault } from '../values/envelope.ts'

/** Since the cache was made; monotonic. */
export interface NamespaceStats {
  /** By tier name. */
  readonly hits: Readonly<Record<string, number>>
  readonly staleHits: number
  readonly misses: number
  readonly unavailable: number
  readonly sets: number
  readonly deletes: number
  readonly factoryRuns: number
  readonly factoryFailures: number
  /** Callers that shared somebody else's factory run. */
  readonly factoryJoins: number
  /** Hits compared with their origin, and how many of those had become stale. */
  readonly checks: number
  readonly staleChecks: number
  /** Values produced but not stored, because an invalidation overtook them. */
  readonly superseded: number
  /** Entries of shared tiers found invalidated by a tag or a clear, or not surely valid. */
  readonly invalidated: number
  /** Entries found damaged, foreign or outdated, by fault. */
  readonly badEntries: Readonly<Partial<Record<EntryFault, number>>>
}

export interface MemoryStats {
  readonly entries: number
  readonly bytes: number
  readonly evictions: number
}

export interface CacheStats {
  readonly namespaces: Readonly<Record<string, NamespaceStats>>
  readonly tiers: Readonly<Record<string, TierCounters>>
  readonly memory: MemoryStats
}

export interface TierStatus {
  readonly name: string
  readonly state: TierState
  /** Why it is open or half-open; for people and logs, it may name hosts. */
  readonly reason: string | undefined
  /** Keys and namespaces it still has to drop. */
  readonly repairsPending: number
}

/** Plain integers, so that counting costs nothing on a hit. */
export class NamespaceCounters {
  readonly hits: Record<string, number> = Object.create(null) as Record<string, number>
  readonly badEntries: Partial<Record<EntryFault, number>> = {}
  memoryHits = 0
  staleHits = 0
  misses = 0
  unavailable = 0
  sets = 0
  deletes = 0
  factoryRuns = 0
  factoryFailures = 0
  factoryJoins = 0
  superseded = 0
  checks = 0
  staleChecks = 0
  invalidated = 0

  hit(tier: string): void {
    this.hits[tier] = (this.hits[tier] ?? 0) + 1
  }

  bad(fault: EntryFault): void {
    this.badEntries[fault] = (this.badEntries[fault] ?? 0) + 1
  }

  snapshot(): NamespaceStats {
    const { hits, badEntries, memoryHits, ...counts } = this
    return { ...counts, hits: { memory: memoryHits, ...hits }, badEntries: { ...badEntries } }
  }
}
