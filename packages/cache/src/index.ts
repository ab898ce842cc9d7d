export { createCache, type Cache } from './cache.ts'
export type { CacheOptions, GuardTuning, MemoryOptions } from './cache-options.ts'
export type { CacheNamespace, GetOptions, GetOrSetOptions, SetOptions } from './namespace.ts'
export type { DeleteOutcome, Lookup, WriteOutcome } from './lookup.ts'
export { definePolicy, MEMORY_TIER, type Policy, type PolicyOptions, type SchemaPolicyOptions } from './policy.ts'
export { SEED_POLICY_NAMES, seedPolicies, type SeedPolicies, type SeedPolicyName, type SeedPolicyTtls } from './seed-policies.ts'
export type { Adaptation, Factory, FactoryContext } from './engine/factory-run.ts'
export type { CacheStats, MemoryStats, NamespaceStats, TierStatus } from './engine/stats.ts'
export {
  CACHE_OPERATIONS,
  EVICTION_REASONS,
  LOOKUP_OUTCOMES,
  type CacheEvents,
  type CacheOperation,
  type EvictionReason,
  type LookupOutcome,
} from './events.ts'
export {
  CacheClearUnsupportedError,
  CacheEntryError,
  CacheFactoryTimeoutError,
  CacheKeyError,
  CacheOptionError,
  CachePolicyUnknownError,
  CachePolicyUnservedError,
  CacheTtlError,
  CacheUnavailableError,
  CacheValueError,
  TierRejectedError,
  TierUnavailableError,
} from './errors.ts'
export { MAX_KEY_BYTES, type TierKey } from './key.ts'
export { MAX_TTL_MS } from './ttl.ts'
export { TIER_STATES, type TierState } from './tiers/breaker.ts'
export type { TierCounters } from './tiers/guarded-tier.ts'
export {
  FILL_OUTCOMES,
  type FillOutcome,
  type Generation,
  type StoredEntry,
  type Tier,
  type TierFence,
  type TierRead,
  type TierWrite,
} from './tiers/tier.ts'
export { memoryTier, type MemoryTierOptions } from './tiers/memory-tier.ts'
export { keyvTier, type KeyvPort, type KeyvTierOptions } from './tiers/keyv-tier.ts'
export { cacheAsKeyvStore, type KeyvStorePort } from './keyv-store.ts'
export { ENTRY_FAULTS, type EntryFault } from './values/envelope.ts'
