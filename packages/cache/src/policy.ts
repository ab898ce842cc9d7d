import type { SchemaOutput, StandardSchema } from '@cidadao/contracts'
import { checkedTags } from './consistency/invalidation.ts'
import { CacheOptionError } from './errors.ts'
import { checkedName } from './key.ts'
import { checkedGrace, checkedTtl } from './ttl.ts'
import { CODEC_NAMES, type CodecName } from './values/codec.ts'

/** The in-process tier's name, in `tiers` of a policy and in lookups. */
export const MEMORY_TIER = 'memory'

export interface PolicyOptions {
  /** Name of the policy and of its namespace; see `key.ts` for what it may contain. */
  readonly name: string
  /** How long a value is fresh, in milliseconds. */
  readonly ttlMs: number
  /** How long after that it may still be served when its factory fails, in milliseconds. @default 0 */
  readonly graceMs?: number
  /** Names of the tiers to use, `memory` being the in-process one. @default all that the cache has */
  readonly tiers?: readonly string[]
  /** Longest time in this process' memory before the shared tiers are asked again, in milliseconds; where no tier has a logical clock, how far behind another process' write this one can be. @default 60_000, or `ttlMs` where memory is the only tier */
  readonly memoryTtlMs?: number
  /** How long "there is none" (`undefined`) is remembered, in milliseconds. Without it `undefined` is refused. @default none */
  readonly negativeTtlMs?: number
  /** Part of the lifetime that is cut off at random, 0 to 0.5, so that what was stored together does not expire together. @default 0.05 */
  readonly jitter?: number
  /** Longest run of a factory, in milliseconds; then its signal aborts and its callers get `CacheFactoryTimeoutError`. @default 30_000 */
  readonly factoryTimeoutMs?: number
  /** How long a caller waits, for tiers, another process or the factory, before it takes a value past its time that is within its grace, in milliseconds; 0: at once. The load goes on in the background. @default for as long as it takes */
  readonly softTimeoutMs?: number
  /** How long a caller waits before it goes without a value, by `CacheFactoryTimeoutError`, in milliseconds; the load goes on. @default for as long as it takes */
  readonly hardTimeoutMs?: number
  /** How early a value that memory has is loaded anew before its time there is over, in the background: 1 is about as long before as its factory takes, 0 is never. @default 0 */
  readonly refreshAhead?: number
  /** After a failed factory whose callers got a stale value: how long until the next try, in milliseconds. @default 1_000 */
  readonly retryAfterMs?: number
  /** Give each reader its own copy instead of one shared frozen value. @default false */
  readonly clone?: boolean
  /** What every entry is invalidated by, besides its own tags. @default [] */
  readonly tags?: readonly string[]
  /** How long a process may be silent before another takes over its factory run, in milliseconds. It renews in time while it lives. @default 5_000 */
  readonly leaseMs?: number
  /** Longest wait for another process' factory before the own one runs all the same, in milliseconds. @default `factoryTimeoutMs` */
  readonly leaseWaitMs?: number
  /** Part of `getOrSet`'s hits, 0 to 1, that is compared with what the factory says now; see the `check` event. @default 0 */
  readonly checkFraction?: number
  /** How values are written in the shared tiers. `v8` needs `signing`. @default 'json' */
  readonly codec?: CodecName
  /** Written values larger than this are compressed in the shared tiers, in bytes; `Infinity` for none. @default 16_384 */
  readonly compressAboveBytes?: number
  /** Largest value, by its estimated heap size (a text takes two bytes a character); beyond it `CacheValueTooLargeError`. @default 16 MiB */
  readonly maxValueBytes?: number
  /** Change it when the shape of the values changes and `schema` cannot tell: entries of another version are migrated or misses. @default '1' */
  readonly schemaVersion?: string
  /** Makes a value of today's shape of one of an earlier shape; with `undefined`, or by throwing, a miss. The result is checked by `schema`. @default all are misses */
  readonly migrate?: (old: unknown) => unknown
}

export interface SchemaPolicyOptions<Schema extends StandardSchema> extends PolicyOptions {
  /** Checks values when they are written and when they come back from a shared tier. Must accept its own output. */
  readonly schema: Schema
}

/** A kind of data and how it is cached. Made by {@link definePolicy}; `T` flows to `cache.namespace(policy)`. */
export interface Policy<T = unknown> {
  readonly name: string
  readonly ttlMs: number
  readonly graceMs: number
  readonly tiers: readonly string[] | undefined
  readonly memoryTtlMs: number | undefined
  readonly negativeTtlMs: number | undefined
  readonly jitter: number
  readonly factoryTimeoutMs: number
  readonly softTimeoutMs: number | undefined
  readonly hardTimeoutMs: number | undefined
  readonly refreshAhead: number
  readonly retryAfterMs: number
  readonly clone: boolean
  readonly tags: readonly string[]
  readonly leaseMs: number
  readonly leaseWaitMs: number
  readonly checkFraction: number
  readonly codec: CodecName
  readonly compressAboveBytes: number
  readonly maxValueBytes: number
  readonly schemaVersion: string
  readonly migrate: ((old: unknown) => unknown) | undefined
  readonly schema: StandardSchema<unknown, T> | undefined
}

const DEFAULTS = {
  graceMs: 0,
  jitter: 0.05,
  factoryTimeoutMs: 30_000,
  refreshAhead: 0,
  retryAfterMs: 1_000,
  leaseMs: 5_000,
  clone: false,
  checkFraction: 0,
  codec: 'json',
  compressAboveBytes: 16_384,
  maxValueBytes: 16 * 1024 * 1024,
  schemaVersion: '1',
} as const
const DEFAULT_MEMORY_TTL_MS = 60_000
const MOST_JITTER = 0.5

/** Declares, once, how a kind of data is cached. @throws {CacheOptionError | CacheTtlError} naming field, rule and value */
export function definePolicy<Schema extends StandardSchema>(
  options: SchemaPolicyOptions<Schema> & { readonly negativeTtlMs: number },
): Policy<SchemaOutput<Schema> | undefined>
export function definePolicy<Schema extends StandardSchema>(options: SchemaPolicyOptions<Schema>): Policy<SchemaOutput<Schema>>
export function definePolicy<T = unknown>(options: PolicyOptions & { readonly negativeTtlMs: number }): Policy<T | undefined>
export function definePolicy<T = unknown>(options: PolicyOptions): Policy<T>
export function definePolicy(options: PolicyOptions & { readonly schema?: StandardSchema }): Policy {
  const jitter = options.jitter ?? DEFAULTS.jitter
  if (!(jitter >= 0 && jitter <= MOST_JITTER)) throw optionError('jitter', `a number from 0 to ${MOST_JITTER}`, jitter)
  if (options.tiers?.length === 0) throw optionError('tiers', 'absent or have at least one name', '[]')
  return Object.freeze({
    name: checkedName('name', options.name),
    ttlMs: checkedTtl('ttlMs', options.ttlMs),
    graceMs: checkedGrace('graceMs', options.graceMs ?? DEFAULTS.graceMs),
    tiers: options.tiers === undefined ? undefined : Object.freeze([...options.tiers]),
    memoryTtlMs: optionalTtl('memoryTtlMs', options.memoryTtlMs),
    negativeTtlMs: optionalTtl('negativeTtlMs', options.negativeTtlMs),
    jitter,
    factoryTimeoutMs: checkedTtl('factoryTimeoutMs', options.factoryTimeoutMs ?? DEFAULTS.factoryTimeoutMs),
    ...checkedPatience(options),
    refreshAhead: checkedEagerness(options.refreshAhead ?? DEFAULTS.refreshAhead),
    retryAfterMs: checkedTtl('retryAfterMs', options.retryAfterMs ?? DEFAULTS.retryAfterMs),
    clone: options.clone ?? DEFAULTS.clone,
    tags: checkedTags(options.tags ?? []),
    leaseMs: checkedTtl('leaseMs', options.leaseMs ?? DEFAULTS.leaseMs),
    leaseWaitMs: checkedTtl('leaseWaitMs', options.leaseWaitMs ?? options.factoryTimeoutMs ?? DEFAULTS.factoryTimeoutMs),
    checkFraction: checkedFraction(options.checkFraction ?? DEFAULTS.checkFraction),
    codec: checkedCodec(options.codec ?? DEFAULTS.codec),
    compressAboveBytes: checkedBytes('compressAboveBytes', options.compressAboveBytes ?? DEFAULTS.compressAboveBytes),
    maxValueBytes: checkedBytes('maxValueBytes', options.maxValueBytes ?? DEFAULTS.maxValueBytes),
    schemaVersion: options.schemaVersion ?? DEFAULTS.schemaVersion,
    migrate: options.migrate,
    schema: options.schema,
  })
}

/** The longest stay in memory of a policy's values. */
export function memoryCapOf(policy: Policy, hasSharedTier: boolean): number {
  return policy.memoryTtlMs ?? (hasSharedTier ? DEFAULT_MEMORY_TTL_MS : policy.ttlMs)
}

function optionalTtl(field: string, ttlMs: number | undefined): number | undefined {
  return ttlMs === undefined ? undefined : checkedTtl(field, ttlMs)
}

/** Each limit below the next: otherwise one of them would never be reached. */
function checkedPatience(options: PolicyOptions): Pick<Policy, 'softTimeoutMs' | 'hardTimeoutMs'> {
  const softTimeoutMs = options.softTimeoutMs === undefined ? undefined : checkedGrace('softTimeoutMs', options.softTimeoutMs)
  const hardTimeoutMs = optionalTtl('hardTimeoutMs', options.hardTimeoutMs)
  if (softTimeoutMs !== undefined && hardTimeoutMs !== undefined && softTimeoutMs >= hardTimeoutMs) {
    throw optionError('softTimeoutMs', `less than hardTimeoutMs (${hardTimeoutMs})`, softTimeoutMs)
  }
  return { softTimeoutMs, hardTimeoutMs }
}

const MOST_EAGER = 100

function checkedEagerness(refreshAhead: number): number {
  if (refreshAhead >= 0 && refreshAhead <= MOST_EAGER) return refreshAhead
  throw optionError('refreshAhead', `a number from 0 to ${MOST_EAGER}`, refreshAhead)
}

function checkedCodec(codec: CodecName): CodecName {
  if (CODEC_NAMES.includes(codec)) return codec
  throw optionError('codec', `one of ${CODEC_NAMES.join(', ')}`, codec)
}

function checkedFraction(fraction: number): number {
  if (fraction >= 0 && fraction <= 1) return fraction
  throw optionError('checkFraction', 'a number from 0 to 1', fraction)
}

function checkedBytes(field: string, bytes: number): number {
  if (typeof bytes === 'number' && bytes >= 1) return bytes
  throw optionError(field, 'a number of bytes of at least 1', String(bytes))
}

function optionError(field: string, rule: string, value: number | string): CacheOptionError {
  return new CacheOptionError(`policy ${field} must be ${rule}, got ${value}`, { facts: { field, value } })
}
