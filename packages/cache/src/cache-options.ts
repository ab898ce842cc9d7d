import { randomBytes } from 'node:crypto'
import { systemClock, type Clock, type ListenerErrorHandler } from '@cidadao/contracts'
import type { PendingInvalidations } from './consistency/invalidation-message.ts'
import { CacheOptionError } from './errors.ts'
import { checkedName } from './key.ts'
import { definePolicy, MEMORY_TIER, type Policy } from './policy.ts'
import type { GuardOptions } from './tiers/guarded-tier.ts'
import type { Tier } from './tiers/tier.ts'
import { EntrySigner, type SigningOptions } from './values/signing.ts'

export interface CacheOptions {
  /** Kinds of data, to be had by `namespace(name)`. @default [] */
  readonly policies?: readonly Policy[]
  /** What `get`, `set` and the others of the cache itself use. @default name `default`, 1 h, no grace */
  readonly defaultPolicy?: Policy
  /** Shared tiers, nearest first. @default [] */
  readonly tiers?: readonly Tier[]
  /** Bounds of the in-process tier. */
  readonly memory?: MemoryOptions
  /** Part of each key, so that installations can share a server: `production`. @default 'default' */
  readonly environment?: string
  /** Part of each key; change it to start afresh after an incompatible deploy. @default 'v1' */
  readonly version?: string
  /** Time limits and breaker of the shared tiers, by tier name where they differ. */
  readonly guard?: GuardTuning
  readonly guards?: Readonly<Record<string, GuardTuning>>
  /** Where invalidations go that could not reach a tier, besides being tried again by this process. @default none */
  readonly pendingInvalidations?: PendingInvalidations
  /** How soon this process learns of what others invalidate, and what it remembers for that. */
  readonly consistency?: ConsistencyTuning
  /** Makes entries of the shared tiers that were not signed by these keys misses. @default entries are not signed */
  readonly signing?: SigningOptions
  /** @default systemClock */
  readonly clock?: Clock
  /** Numbers from 0 to 1, for jitter. @default Math.random */
  readonly random?: () => number
  /** Text that no process makes twice: who this cache is among those that share the tiers, who holds a lease. @default 96 random bits and a counter */
  readonly newToken?: () => string
  /** Told of an event listener that threw. @default a process warning */
  readonly onListenerError?: ListenerErrorHandler
}

export interface MemoryOptions {
  /** @default 50_000 */
  readonly maxEntries?: number
  /** Estimated heap size of keys and values, in bytes. @default 64 MiB */
  readonly maxBytes?: number
}

export interface ConsistencyTuning {
  /** How often the shared tier is asked what was invalidated, in milliseconds. @default 1_000 */
  readonly heartbeatMs?: number
  /** How long memory is believed without an answer to that: the longest that it can be behind, in milliseconds. @default 3 × `heartbeatMs` */
  readonly verifyWithinMs?: number
  /** Tags a namespace whose marks this process remembers. @default 10_000 */
  readonly maxTags?: number
  /** Invalidations a namespace that wait for the shared tier to record them; beyond it the whole namespace is invalidated. @default 10_000 */
  readonly maxUnsent?: number
}

export interface GuardTuning {
  /** Longest a caller waits for one read or write, in milliseconds. @default 50 */
  readonly budgetMs?: number
  /** Longest a background probe, repair or clear may take, in milliseconds. @default 5_000 */
  readonly backgroundBudgetMs?: number
  /** Wait before a failed tier is probed, in milliseconds; doubles up to `longestCooldownMs`. @default 100 */
  readonly cooldownMs?: number
  /** @default 5_000 */
  readonly longestCooldownMs?: number
  /** Smoothed latency above which a tier is shown as slow, in milliseconds. @default 20 */
  readonly slowMs?: number
  /** Keys remembered for a tier that could not be told of their invalidation; beyond it, their namespaces. @default 10_000 */
  readonly maxRepairs?: number
}

export interface ResolvedCacheOptions {
  readonly policies: ReadonlyMap<string, Policy>
  readonly defaultPolicy: Policy
  readonly tiers: readonly Tier[]
  readonly memory: Required<MemoryOptions>
  readonly environment: string
  readonly version: string
  readonly guardOf: (tierName: string) => GuardOptions
  readonly pendingInvalidations: PendingInvalidations | undefined
  readonly consistency: Required<ConsistencyTuning>
  readonly signer: EntrySigner | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly newToken: () => string
  readonly onListenerError: ListenerErrorHandler | undefined
}

const DEFAULT_TTL_MS = 3_600_000
const MEMORY_DEFAULTS: Required<MemoryOptions> = { maxEntries: 50_000, maxBytes: 64 * 1024 * 1024 }
const CONSISTENCY_DEFAULTS = { heartbeatMs: 1_000, maxTags: 10_000, maxUnsent: 10_000 } as const
const HEARTBEATS_BELIEVED = 3
const GUARD_DEFAULTS: GuardOptions = {
  budgetMs: 50,
  backgroundBudgetMs: 5_000,
  cooldownMs: 100,
  longestCooldownMs: 5_000,
  slowMs: 20,
  maxRepairs: 10_000,
}

/** @throws {CacheOptionError} naming field, rule and value */
export function resolveCacheOptions(options: CacheOptions): ResolvedCacheOptions {
  const tiers = uniquelyNamed(options.tiers ?? [])
  for (const name of Object.keys(options.guards ?? {})) {
    if (!tiers.some((tier) => tier.name === name)) throw optionError(`guards.${name}`, 'the name of a tier', name)
  }
  const defaultPolicy = options.defaultPolicy ?? definePolicy({ name: 'default', ttlMs: DEFAULT_TTL_MS })
  return Object.freeze({
    policies: byName([defaultPolicy, ...(options.policies ?? [])]),
    defaultPolicy,
    tiers,
    memory: positive('memory', { ...MEMORY_DEFAULTS, ...options.memory }),
    environment: checkedName('environment', options.environment ?? 'default'),
    version: checkedName('version', options.version ?? 'v1'),
    guardOf: (name: string) => positive(`guards.${name}`, { ...GUARD_DEFAULTS, ...options.guard, ...options.guards?.[name] }),
    pendingInvalidations: options.pendingInvalidations,
    consistency: resolveConsistency(options.consistency ?? {}),
    signer: options.signing && new EntrySigner(options.signing),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    newToken: options.newToken ?? uniqueTokens(),
    onListenerError: options.onListenerError,
  })
}

function resolveConsistency(tuning: ConsistencyTuning): Required<ConsistencyTuning> {
  const { heartbeatMs = CONSISTENCY_DEFAULTS.heartbeatMs } = tuning
  const resolved = positive('consistency', {
    ...CONSISTENCY_DEFAULTS,
    heartbeatMs,
    verifyWithinMs: heartbeatMs * HEARTBEATS_BELIEVED,
    ...tuning,
  })
  if (resolved.verifyWithinMs >= heartbeatMs) return resolved
  throw optionError('consistency.verifyWithinMs', `at least heartbeatMs (${heartbeatMs})`, String(resolved.verifyWithinMs))
}

function uniquelyNamed(tiers: readonly Tier[]): readonly Tier[] {
  const seen = new Set<string>([MEMORY_TIER])
  for (const { name } of tiers) {
    if (seen.has(name)) throw optionError('tiers', `uniquely named, and none "${MEMORY_TIER}"`, name)
    seen.add(name)
  }
  return Object.freeze([...tiers])
}

function byName(policies: readonly Policy[]): ReadonlyMap<string, Policy> {
  const named = new Map<string, Policy>()
  for (const policy of policies) {
    if (named.has(policy.name)) throw optionError('policies', 'uniquely named', policy.name)
    named.set(policy.name, policy)
  }
  return named
}

function positive<Fields extends object>(field: string, numbers: Fields): Readonly<Fields> {
  for (const [name, value] of Object.entries(numbers) as [string, unknown][]) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 1) {
      throw optionError(`${field}.${name}`, 'a finite number of at least 1', String(value))
    }
  }
  return Object.freeze(numbers)
}

/** Random once: asking the system for each token would cost as much as a read of Redis. */
function uniqueTokens(): () => string {
  const origin = randomBytes(12).toString('base64url')
  let made = 0
  return () => `${origin}.${(++made).toString(36)}`
}

function optionError(field: string, rule: string, value: string): CacheOptionError {
  return new CacheOptionError(`${field} must be ${rule}, got ${value}`, { facts: { field, value } })
}
