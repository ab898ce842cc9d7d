import { CacheEntryError, type CacheUnavailableError } from '../errors.ts'
import type { TierKey } from '../key.ts'
import type { GuardedTier } from '../tiers/guarded-tier.ts'
import type { Generation, StoredEntry } from '../tiers/tier.ts'
import { decodeEnvelope, type EntryFault } from '../values/envelope.ts'
import type { Engine, Lifetime, NamespaceContext } from './engine.ts'
import { prepare, schemaIssues, type PreparedValue } from './prepare.ts'

/** An entry found in a shared tier. */
export interface Found {
  readonly tier: string
  readonly prepared: PreparedValue
  readonly payload: Buffer
  readonly ageMs: number
  /** What is left of it: `ttlMs` is 0 or less when it is stale. */
  readonly left: Lifetime
}

/** A tier that answered "no" and may be given the value once there is one. */
export interface FillTarget {
  readonly tier: GuardedTier
  readonly generation: Generation | undefined
}

export interface TierReading {
  readonly fresh: Found | undefined
  /** The freshest of the stale ones. */
  readonly stale: Found | undefined
  readonly targets: readonly FillTarget[]
  /** Why the reading is not the whole truth; `undefined` when all tiers answered. */
  readonly cause: CacheUnavailableError | undefined
}

/** Room for the reads and the fill around the factory's own time. */
const WINDOW_MARGIN_MS = 5_000

/**
 * Asks the shared tiers, nearest first, until one has a fresh entry: never in a race, which would load all of them
 * for the speed of one. With `toFill`, each tier passed on the way opens a fill window before the next is asked.
 */
export async function readTiers(
  engine: Engine,
  context: NamespaceContext,
  key: TierKey,
  options: { readonly toFill: boolean },
): Promise<TierReading> {
  const targets: FillTarget[] = []
  let stale: Found | undefined
  let cause: CacheUnavailableError | undefined
  for (const tier of context.tiers) {
    const windowMs = context.policy.factoryTimeoutMs + WINDOW_MARGIN_MS
    const attempt = await (options.toFill ? tier.readToFill(key, windowMs) : tier.read(key))
    if (!attempt.ok) {
      cause ??= attempt.cause
      continue
    }
    const { entry, generation } = attempt.value
    const found = entry && (await decode(engine, context, { key, entry, tier, generation }))
    if (found !== undefined && found.left.ttlMs > 0) return { fresh: found, stale, targets, cause }
    if (found !== undefined && (stale === undefined || found.left.graceMs > stale.left.graceMs)) stale = found
    targets.push({ tier, generation })
  }
  return { fresh: undefined, stale, targets, cause }
}

interface Raw {
  readonly key: TierKey
  readonly entry: StoredEntry
  readonly tier: GuardedTier
  readonly generation: Generation | undefined
}

/** What cannot be believed is counted once, reported, removed if it is still the same, and a miss. */
async function decode(engine: Engine, context: NamespaceContext, raw: Raw): Promise<Found | undefined> {
  const decoded = decodeEnvelope(raw.entry.payload, { id: raw.key.id, schemaHash: context.schemaHash })
  if (!decoded.ok) return reject(engine, context, raw, decoded.fault)
  const { value, ttlMs, graceMs, absent } = decoded.envelope
  if (absent ? context.policy.negativeTtlMs === undefined : (await schemaIssues(context, value)) !== undefined) {
    return reject(engine, context, raw, 'schema')
  }
  const remainingMs = Math.min(raw.entry.remainingMs, ttlMs + graceMs)
  if (remainingMs <= 0) return undefined
  // By the tier's own measure of what is left, so that no two machines' clocks are ever compared.
  const freshMs = remainingMs - graceMs
  return {
    tier: raw.tier.name,
    prepared: prepare(context, value),
    payload: raw.entry.payload,
    ageMs: ttlMs + graceMs - remainingMs,
    left: { ttlMs: freshMs, graceMs: Math.min(graceMs, remainingMs) },
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
