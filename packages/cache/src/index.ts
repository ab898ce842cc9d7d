export { createCache, type Cache } from './cache.ts'
export type { CacheOptions, ConsistencyTuning, GuardTuning, MemoryOptions } from './cache-options.ts'
export type { CacheNamespace, GetOptions, GetOrSetOptions, Obtained, SetOptions, TouchOptions, WarmOutcome } from './cache-namespace.ts'
export type { BatchLoader } from './engine/load-batch.ts'
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
  CacheTagError,
  CacheTagsUnsupportedError,
  CacheTtlError,
  CacheUnavailableError,
  CacheValueError,
  CacheValueTooLargeError,
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
  type LeaseAnswer,
  type LeasedRead,
  type LeaseRequest,
  type StoredEntry,
  type Tier,
  type TierFence,
  type TierLease,
  type TierRead,
  type TierWrite,
} from './tiers/tier.ts'
export { cacheChannel } from './telemetry/channels.ts'
export { memoryTier, type MemoryTierOptions } from './tiers/memory-tier.ts'
export { keyvTier, type KeyvPort, type KeyvTierOptions } from './tiers/keyv-tier.ts'
export { cacheAsKeyvStore, type KeyvStorePort } from './keyv-store.ts'
export { ENTRY_FAULTS, type EntryFault } from './values/envelope.ts'
export { CODEC_NAMES, type CodecName } from './values/codec.ts'
export type { SigningOptions } from './values/signing.ts'
export { MAX_TAG_BYTES, MAX_TAGS, type Invalidation, type LoggedInvalidation } from './consistency/invalidation.ts'
export type {
  BusListener,
  BusSubscription,
  ClockAdvance,
  ClockRead,
  ClockReading,
  InvalidationBus,
  LogicalClock,
  Missed,
} from './consistency/logical-clock.ts'
export { RESYNC_REASONS, type ResyncReason } from './consistency/namespace-clock.ts'
export {
  INVALIDATION_TARGETS,
  type InvalidationMessage,
  type InvalidationTarget,
  type PendingInvalidations,
  type RequestedInvalidation,
} from './consistency/invalidation-message.ts'
export { invalidateInTransaction, type Invalidate, type InvalidationOutbox, type TransactionalParts } from './consistency/transactional.ts'
