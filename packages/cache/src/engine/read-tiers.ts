import { hasCode } from '@cidadao/contracts'
import { CacheEntryError, type CacheUnavailableError } from '../errors.ts'
import type { TierKey } from '../key.ts'
import type { Attempt, GuardedTier } from '../tiers/guarded-tier.ts'
import type { Generation, LeaseAnswer, LeasedRead, LeaseRequest, StoredEntry } from '../tiers/tier.ts'
import type { Envelope, EntryFault } from '../values/envelope.ts'
import type { Engine, Lifetime, NamespaceContext } from './engine.ts'
import { prepare, schemaIssues, type PreparedValue } from './prepare.ts'

/** An entry found in a shared tier. */
export interface Found {
  readonly tier: string
  readonly prepared: PreparedValue
  readonly envelope: Envelope
  readonly payload: Buffer
  readonly ageMs: number
  /** What is left of it: `ttlMs` is 0 or less when it is stale. */
  readonly left: Lifetime
  /** That nothing has invalidated it is the shared clock's word, which may be older than the reading. */
  readonly judged: boolean
}

/** A tier that answered "no" and may be given the value once there is one. */
export interface FillTarget {
  readonly tier: GuardedTier
  readonly generation: Generation | undefined
}

/** Whether this reader is the one who is to produce the value. */
export type Lease =
  | { readonly outcome: 'granted'; readonly tier: GuardedTier }
  /** Another process is at it. The tiers beyond were not asked. */
  | { readonly outcome: 'held'; readonly leftMs: number }

export interface TierReading {
  readonly fresh: Found | undefined
  /** The freshest of the stale ones. */
  readonly stale: Found | undefined
  readonly targets: readonly FillTarget[]
  /** Absent where none was asked for, and where no tier can give one. */
  readonly lease: Lease | undefined
  /** Why the reading is not the whole truth; `undefined` when all tiers answered. */
  readonly cause: CacheUnavailableError | undefined
}

export interface ReadOptions {
  /** Each tier passed on the way opens a fill window before the next is asked. */
  readonly toFill: boolean
  /** To be had from the nearest tier that can give it. */
  readonly lease?: LeaseRequest
  /** Goes on where there is a fresh entry, to have it replaced: every tier that answers is to be filled. @default false */
  readonly pastFresh?: boolean
  /** Entries of a lower sequence are not believed: the caller has seen newer ones, which the clock does not know of. */
  readonly atLeast?: number
}

/** Room for the reads and the fill around the factory's own time. */
const WINDOW_MARGIN_MS = 5_000

/**
 * Asks the shared tiers, nearest first, until one has a fresh and valid entry: never in a race, which would load all of
 * them for the speed of one.
 */
export async function readTiers(engine: Engine, context: NamespaceContext, key: TierKey, options: ReadOptions): Promise<TierReading> {
  const targets: FillTarget[] = []
  let fresh: Found | undefined
  let stale: Found | undefined
  let cause: CacheUnavailableError | undefined
  let lease: Lease | undefined
  for (const tier of context.tiers) {
    const request = lease === undefined && tier.coordination.leases ? options.lease : undefined
    const attempt = await readOne(context, { tier, key, request, toFill: options.toFill })
    if (!attempt.ok) {
      cause ??= attempt.cause
      continue
    }
    const { entry, generation } = attempt.value
    const found = entry && (await believable(engine, context, { key, entry, tier, generation, atLeast: options.atLeast ?? 0 }))
    const isFresh = found !== undefined && found.left.ttlMs > 0
    if (isFresh && options.pastFresh !== true) return { fresh: found, stale, targets, lease, cause }
    if (isFresh && (fresh === undefined || found.left.ttlMs > fresh.left.ttlMs)) fresh = found
    if (found !== undefined && !isFresh && (stale === undefined || found.left.graceMs > stale.left.graceMs)) stale = found
    targets.push({ tier, generation })
    if (request !== undefined) lease = await leaseFrom(tier, key, { request, read: attempt.value })
    if (lease?.outcome === 'held') break
  }
  return { fresh, stale, targets, lease, cause }
}

interface OneRead {
  readonly tier: GuardedTier
  readonly key: TierKey
  readonly request: LeaseRequest | undefined
  readonly toFill: boolean
}

async function readOne(context: NamespaceContext, { tier, key, request, toFill }: OneRead): Promise<Attempt<LeasedRead>> {
  return toFill ? tier.readToFill(key, context.policy.factoryTimeoutMs + WINDOW_MARGIN_MS, request) : tier.read(key)
}

/** Of a tier that had nothing, the read has brought it; where there is something unusable it is asked for by itself. */
async function leaseFrom(
  tier: GuardedTier,
  key: TierKey,
  { request, read }: { readonly request: LeaseRequest; readonly read: LeasedRead },
): Promise<Lease | undefined> {
  const answer = read.lease ?? (read.entry && (await acquired(tier, key, request)))
  return answer?.outcome === 'granted' ? { outcome: 'granted', tier } : answer
}

async function acquired(tier: GuardedTier, key: TierKey, request: LeaseRequest): Promise<LeaseAnswer | undefined> {
  const attempt = await tier.coordination.acquire(key, request)
  return attempt.ok ? attempt.value : undefined
}

export interface Raw {
  readonly key: TierKey
  readonly entry: StoredEntry
  readonly tier: GuardedTier
  readonly generation: Generation | undefined
  readonly atLeast: number
}

/** A decoded entry that nothing has invalidated. One that was is as good as absent, also as a fallback. */
export async function believable(engine: Engine, context: NamespaceContext, raw: Raw): Promise<Found | undefined> {
  const found = await decode(engine, context, raw)
  if (found === undefined || found.envelope.sequence < raw.atLeast) return undefined
  if (!found.judged || (await context.clock.judge(found.envelope))) return found
  context.counters.invalidated++
  return undefined
}

/** A tier that is cleared entry by entry holds nothing cleared; only the tags of its entries are the clock's to judge. */
function needsJudging({ clock }: NamespaceContext, tier: GuardedTier, { tags }: Envelope): boolean {
  if (tags.length > 0) return true
  return clock.tier !== undefined && (tier.name === clock.tier || !tier.canClear)
}

/** What cannot be believed is counted once, reported, removed if it is still the same, and a miss. */
async function decode(engine: Engine, context: NamespaceContext, raw: Raw): Promise<Found | undefined> {
  const decoded = context.format.decode(raw.entry.payload, raw.key.id)
  if (!decoded.ok) return reject(engine, context, raw, decoded.fault)
  const { value, ttlMs, graceMs, absent } = decoded.envelope
  if (absent ? context.policy.negativeTtlMs === undefined : context.policy.schema && (await schemaIssues(context, value)) !== undefined) {
    return reject(engine, context, raw, 'schema')
  }
  const prepared = prepareFound(context, value)
  if (prepared === undefined) return reject(engine, context, raw, 'payload')
  const remainingMs = Math.min(raw.entry.remainingMs, ttlMs + graceMs)
  if (remainingMs <= 0) return undefined
  // By the tier's own measure of what is left, so that no two machines' clocks are ever compared.
  const freshMs = remainingMs - graceMs
  return {
    tier: raw.tier.name,
    prepared,
    envelope: decoded.envelope,
    payload: raw.entry.payload,
    ageMs: ttlMs + graceMs - remainingMs,
    left: { ttlMs: freshMs, graceMs: Math.min(graceMs, remainingMs) },
    judged: needsJudging(context, raw.tier, decoded.envelope),
  }
}

/** What no writer of ours would have stored (too large, too deep, with a `__proto__`) is not believed either. */
function prepareFound(context: NamespaceContext, value: unknown): PreparedValue | undefined {
  try {
    return prepare(context, value)
  } catch (thrown) {
    if (hasCode(thrown, 'CACHE_VALUE_INVALID') || hasCode(thrown, 'CACHE_VALUE_TOO_LARGE')) return undefined
    throw thrown
  }
}

async function reject(engine: Engine, context: NamespaceContext, raw: Raw, fault: EntryFault): Promise<undefined> {
  const namespace = context.policy.name
  context.counters.bad(fault)
  const error = new CacheEntryError(`an entry of ${namespace} in tier ${raw.tier.name} was not usable: ${fault}`, {
    facts: { namespace, tier: raw.tier.name, fault },
  })
  engine.events.emit('error', { operation: 'decode', error, tier: raw.tier.name, namespace })
  await raw.tier.discard(raw.key, raw.generation)
  return undefined
}
