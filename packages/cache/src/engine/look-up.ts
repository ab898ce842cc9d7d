import type { TierKey } from '../key.ts'
import type { Lookup } from '../lookup.ts'
import { MEMORY_TIER } from '../policy.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import { ageOf, type LocalEntry } from './local-entries.ts'
import { handOut, keepLocally } from './prepare.ts'
import { readTiers, type Found, type TierReading } from './read-tiers.ts'

const MISS = Object.freeze({ outcome: 'miss' })

/** Memory alone, synchronously; `undefined` when it has nothing fresh. */
export function lookUpLocally(engine: Engine, context: NamespaceContext, key: string): Lookup<unknown> | undefined {
  const entry = context.local.get(key)
  if (entry === undefined) return undefined
  const nowMs = engine.local.nowMs()
  if (nowMs >= entry.freshUntilMs) return undefined
  engine.local.touch(entry)
  context.counters.memoryHits++
  if (engine.events.hasListeners('lookup')) {
    engine.events.emit('lookup', { namespace: context.policy.name, outcome: 'hit', tier: MEMORY_TIER })
  }
  return localHit(entry, nowMs, false)
}

export interface SharedLookupOptions {
  readonly allowStale: boolean
  readonly signal: AbortSignal | undefined
}

/** The shared tiers, after memory had nothing. Concurrent callers share one reading. */
export async function lookUpShared(
  engine: Engine,
  context: NamespaceContext,
  key: TierKey,
  options: SharedLookupOptions,
): Promise<Lookup<unknown>> {
  const reading = await engine.reads.run(key, () => readAndKeep(engine, context, key), options.signal)
  const { fresh, stale, cause } = reading
  if (fresh !== undefined) return counted(engine, context, sharedHit(fresh, false))
  if (options.allowStale) {
    const nowMs = engine.local.nowMs()
    const kept = engine.local.get(key.id, nowMs)
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

export function sharedHit(found: Found, stale: boolean): Lookup<unknown> {
  return { outcome: 'hit', tier: found.tier, value: handOut(found.prepared), ageMs: found.ageMs, stale }
}

export function localHit(entry: LocalEntry, nowMs: number, stale: boolean): Lookup<unknown> {
  return { outcome: 'hit', tier: MEMORY_TIER, value: handOut(entry), ageMs: ageOf(entry, nowMs), stale }
}

async function readAndKeep(engine: Engine, context: NamespaceContext, key: TierKey): Promise<TierReading> {
  const ticket = engine.fence.issue(key)
  try {
    const reading = await readTiers(engine, context, key, { toFill: false })
    const { fresh } = reading
    if (fresh !== undefined && ticket.valid) {
      keepLocally(engine, context, { key, prepared: fresh.prepared, lifetime: fresh.left, ageMs: fresh.ageMs })
    }
    return reading
  } finally {
    engine.fence.release(ticket)
  }
}
