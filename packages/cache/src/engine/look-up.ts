import { keyWithin, type TierKey } from '../key.ts'
import type { Lookup } from '../lookup.ts'
import { MEMORY_TIER } from '../policy.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import { ageOf, type LocalEntry } from './local-entries.ts'
import { handOut, keepLocally } from './prepare.ts'
import { beginProduction, endProduction, foundVouchedUntil } from './production.ts'
import { readTiers, type Found, type TierReading } from './read-tiers.ts'

const MISS = Object.freeze({ outcome: 'miss' })

/** Memory alone, synchronously; `undefined` when it has nothing fresh. */
export function lookUpLocally(engine: Engine, context: NamespaceContext, key: string): Lookup<unknown> | undefined {
  const entry = context.local.get(key)
  if (entry === undefined) return undefined
  const nowMs = engine.local.nowMs()
  if (nowMs >= entry.freshUntilMs || !believes(engine, context, entry, nowMs)) return undefined
  engine.local.touch(entry)
  context.counters.memoryHits++
  if (engine.events.hasListeners('lookup')) {
    engine.events.emit('lookup', { namespace: context.policy.name, outcome: 'hit', tier: MEMORY_TIER })
  }
  return localHit(entry, nowMs, false)
}

/** Whether nothing has invalidated what memory has, as far as this process knows, and it knows enough. */
function believes(engine: Engine, { clock, policy }: NamespaceContext, entry: LocalEntry, nowMs: number): boolean {
  if (nowMs >= entry.vouchedUntilMs && nowMs >= clock.trustedUntilMs) return false
  if (entry.tick < clock.lastMarkTick && !clock.admits(entry)) return false
  return engine.sessions.required(policy.name) <= clock.sequence
}

export interface SharedLookupOptions {
  readonly allowStale: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * What a read is owed before it may believe memory or join what others began: the lowest sequence that it may be given,
 * where the clock cannot vouch for what its session has written. At once where nothing needs to be asked.
 */
export function owedToSession(engine: Engine, { clock, policy }: NamespaceContext, key: TierKey): number | Promise<number> {
  const required = engine.sessions.required(policy.name)
  const doubtful = engine.local.nowMs() >= clock.trustedUntilMs
  return doubtful || required > clock.sequence ? askClock(engine, clock, { key, required }) : 0
}

async function askClock(
  engine: Engine,
  clock: NamespaceContext['clock'],
  { key, required }: { readonly key: TierKey; readonly required: number },
): Promise<number> {
  if (!(await clock.verify())) leaveTheOld(engine, key)
  return (await clock.reach(required)) ? 0 : required
}

/** Nobody can tell whether what has long been under way was invalidated since: who asks now does not join it. */
function leaveTheOld({ clock, flights, reads, verifyWithinMs }: Engine, key: TierKey): void {
  const oldestMs = clock.monotonicMs() - verifyWithinMs
  flights.detachIfOlder(key, oldestMs)
  reads.detachIfOlder(key, oldestMs)
}

/** The shared tiers, after memory had nothing. Concurrent callers share one reading. */
export async function lookUpShared(
  engine: Engine,
  context: NamespaceContext,
  key: TierKey,
  options: SharedLookupOptions,
): Promise<Lookup<unknown>> {
  const owed = owedToSession(engine, context, key)
  const atLeast = typeof owed === 'number' ? owed : await owed
  if (typeof owed !== 'number') {
    const local = lookUpLocally(engine, context, keyWithin(key))
    if (local !== undefined) return local
  }
  // What others began may be older than what this caller has written.
  const reading =
    atLeast > 0
      ? await readTiers(engine, context, key, { toFill: false, atLeast })
      : await engine.reads.run(key, () => readAndKeep(engine, context, key), options.signal)
  const { fresh, stale, cause } = reading
  if (fresh !== undefined) return counted(engine, context, sharedHit(fresh, false))
  if (options.allowStale) {
    const nowMs = engine.local.nowMs()
    const kept = localFallback(engine, context, key, nowMs)
    if (kept !== undefined) return counted(engine, context, localHit(kept, nowMs, true))
    if (stale !== undefined) return counted(engine, context, sharedHit(stale, true))
  }
  return counted(engine, context, cause === undefined ? MISS : { outcome: 'unavailable', cause })
}

/** Counts an answer and tells listeners; returns it. */
export function counted(engine: Engine, context: NamespaceContext, lookup: Lookup<unknown>): Lookup<unknown> {
  const { counters, policy } = context
  const outcome = lookup.outcome === 'hit' && lookup.stale ? 'stale' : lookup.outcome
  switch (outcome) {
    case 'stale':
      counters.staleHits++
      break
    case 'hit':
      if (lookup.outcome === 'hit') counters.hit(lookup.tier)
      break
    case 'miss':
      counters.misses++
      break
    case 'unavailable':
      counters.unavailable++
  }
  const tier = lookup.outcome === 'hit' ? { tier: lookup.tier } : {}
  engine.events.emit('lookup', { namespace: policy.name, outcome, ...tier })
  return lookup
}

export function sharedHit(found: Found, stale: boolean): Extract<Lookup<unknown>, { outcome: 'hit' }> {
  return { outcome: 'hit', tier: found.tier, value: handOut(found.prepared), ageMs: found.ageMs, stale }
}

export function localHit(entry: LocalEntry, nowMs: number, stale: boolean): Lookup<unknown> {
  return { outcome: 'hit', tier: MEMORY_TIER, value: handOut(entry), ageMs: ageOf(entry, nowMs), stale }
}

/** What memory has of the key, fresh or not, unless it was invalidated. */
export function localFallback(engine: Engine, context: NamespaceContext, key: TierKey, nowMs: number): LocalEntry | undefined {
  const entry = engine.local.get(key.id, nowMs)
  return entry !== undefined && believes(engine, context, entry, nowMs) ? entry : undefined
}

async function readAndKeep(engine: Engine, context: NamespaceContext, key: TierKey): Promise<TierReading> {
  const production = beginProduction(engine, context, key)
  try {
    const reading = await readTiers(engine, context, key, { toFill: false })
    const { fresh } = reading
    if (fresh !== undefined && production.ticket.valid) {
      const { tags } = fresh.envelope
      const vouchedUntilMs = foundVouchedUntil(engine, production, fresh)
      const entry = { key, prepared: fresh.prepared, lifetime: fresh.left, ageMs: fresh.ageMs, tags, production, vouchedUntilMs }
      keepLocally(engine, context, entry)
    }
    return reading
  } finally {
    endProduction(engine, production)
  }
}
