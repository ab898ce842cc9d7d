import { InfraError, hasCode } from '@cidadao/contracts'

/** An option or policy is invalid or contradicts another. The message gives field, rule and value. */
export class CacheOptionError extends InfraError {
  readonly code = 'CACHE_OPTION_INVALID'
}

/** A key or namespace breaks the rules of `key.ts`. The key itself is not in the message: it may be personal. */
export class CacheKeyError extends InfraError {
  readonly code = 'CACHE_KEY_INVALID'
}

/** A tag is empty, over-long or ill-formed, or there are too many. The tag itself is not in the message: it may be personal. */
export class CacheTagError extends InfraError {
  readonly code = 'CACHE_TAG_INVALID'
}

/** Tags need a tier that keeps the order of invalidations; the namespace has shared tiers, but none of them does. */
export class CacheTagsUnsupportedError extends InfraError {
  readonly code = 'CACHE_TAGS_UNSUPPORTED'
}

/** A lifetime is not a finite number of milliseconds within the limits. */
export class CacheTtlError extends InfraError {
  readonly code = 'CACHE_TTL_INVALID'
}

/** A value cannot be stored and read back exactly, or breaks the policy's schema. */
export class CacheValueError extends InfraError {
  readonly code = 'CACHE_VALUE_INVALID'
}

/** A value is larger than the policy's `maxValueBytes`. Store its parts, or where it is. */
export class CacheValueTooLargeError extends InfraError {
  readonly code = 'CACHE_VALUE_TOO_LARGE'
}

/** No policy of that name was given to `createCache`. */
export class CachePolicyUnknownError extends InfraError {
  readonly code = 'CACHE_POLICY_UNKNOWN'
}

/** None of the tiers that the policy wants is configured: storing would silently do nothing. */
export class CachePolicyUnservedError extends InfraError {
  readonly code = 'CACHE_POLICY_UNSERVED'
}

/** The answer, or the completion of a write, depends on a tier that did not take part. */
export class CacheUnavailableError extends InfraError {
  readonly code = 'CACHE_UNAVAILABLE'
}

/** The factory ran longer than the policy's `factoryTimeoutMs`. Its signal was aborted; its late result is dropped. */
export class CacheFactoryTimeoutError extends InfraError {
  readonly code = 'CACHE_FACTORY_TIMEOUT'
}

/** A stored entry is damaged, foreign, or of another schema. It was treated as a miss and removed. */
export class CacheEntryError extends InfraError {
  readonly code = 'CACHE_ENTRY_INVALID'
}

/** A tier of the namespace cannot enumerate its keys, so the namespace cannot be cleared. */
export class CacheClearUnsupportedError extends InfraError {
  readonly code = 'CACHE_CLEAR_UNSUPPORTED'
}

/** Thrown by a tier that cannot be reached or cannot serve at all. Opens its breaker. */
export class TierUnavailableError extends InfraError {
  readonly code = 'CACHE_TIER_UNAVAILABLE'
}

/** Thrown by a tier that is alive but refused this one operation (out of memory, say). Leaves its breaker closed. */
export class TierRejectedError extends InfraError {
  readonly code = 'CACHE_TIER_REJECTED'
}

/** Redis refused the credentials. Never a reason to fall back to anything. */
export class RedisAuthError extends InfraError {
  readonly code = 'CACHE_REDIS_AUTH'
}

/** By code and not by class: each entry point of the CommonJS build carries its own copy of the classes. */
export function isTierRejection(thrown: unknown): boolean {
  return hasCode(thrown, 'CACHE_TIER_REJECTED')
}
