import type { TierKey } from '../key.ts'
import type { Lookup } from '../lookup.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import type { Flight } from './flight.ts'
import { ageOf, type LocalEntry } from './local-entries.ts'
import { localFallback, localHit, sharedHit } from './look-up.ts'
import type { PreparedValue } from './prepare.ts'
import { foundVouchedUntil } from './production.ts'
import { readTiers } from './read-tiers.ts'

/** A fallback of the past, from memory or from a shared tier. */
export interface Stale {
  readonly prepared: PreparedValue
  readonly ageMs: number
  readonly graceLeftMs: number
  readonly tags: readonly string[]
  readonly lookup: Lookup<unknown>
  readonly vouchedUntilMs: number
}

/**
 * The fallback that was found before the factory ran, or what there is now: while the clock is out of reach callers may
 * have joined long after it was found, and must not be given what has been invalidated in between.
 */
export async function stillFallback(
  engine: Engine,
  context: NamespaceContext,
  { request, production, stale }: Flight & { readonly stale: Stale | undefined },
): Promise<Stale | undefined> {
  const { clock } = context
  if (stale === undefined || engine.clock.monotonicMs() < clock.trustedUntilMs) return stale
  await clock.verify()
  const reading = await readTiers(engine, context, request.key, { toFill: false, atLeast: request.atLeast })
  return staleFor(engine, context, { request, production, reading: { ...reading, stale: reading.fresh ?? reading.stale } })
}

/** After a failed factory the stale value is served for a while without another try, counted from now, not from its expiry. */
export function keepAsFallback(engine: Engine, context: NamespaceContext, { request, production }: Flight, stale: Stale): void {
  const { tags } = stale
  if (context.memoryCapMs === undefined || !context.clock.admits({ tick: production.tick, tags })) return
  engine.local.put(request.key, {
    ...stale.prepared,
    ageMs: stale.ageMs,
    freshMs: 0,
    staleMs: stale.graceLeftMs,
    retryAfterMs: Math.min(context.policy.retryAfterMs, stale.graceLeftMs),
    tags,
    tick: production.tick,
    vouchedUntilMs: stale.vouchedUntilMs,
  })
}

export function retryIsTooEarly(engine: Engine, context: NamespaceContext, key: TierKey): Lookup<unknown> | undefined {
  const nowMs = engine.local.nowMs()
  const entry = localFallback(engine, context, key, nowMs)
  return entry !== undefined && nowMs < entry.retryAtMs ? localHit(entry, nowMs, true) : undefined
}

export function staleFor(engine: Engine, context: NamespaceContext, flight: Omit<Flight, 'held'>): Stale | undefined {
  const { reading, production } = flight
  const found = reading.stale
  if (found !== undefined) {
    const { prepared, ageMs, left, envelope } = found
    const vouchedUntilMs = foundVouchedUntil(engine, production, found)
    return { prepared, ageMs, graceLeftMs: left.graceMs, tags: envelope.tags, lookup: sharedHit(found, true), vouchedUntilMs }
  }
  const nowMs = engine.local.nowMs()
  const kept = localFallback(engine, context, flight.request.key, nowMs)
  // Where the shared tiers answered that there is none, a copy in memory is one that was invalidated elsewhere.
  if (kept === undefined || (reading.targets.length > 0 && reading.cause === undefined)) return undefined
  return localStale(kept, nowMs)
}

/** What memory has, as a fallback. */
export function localStale(kept: LocalEntry, nowMs: number): Stale {
  const prepared = { value: kept.value, shared: kept.shared, bytes: 0, plain: true, jsonOnly: false }
  return {
    prepared,
    ageMs: ageOf(kept, nowMs),
    graceLeftMs: kept.goneAtMs - nowMs,
    tags: kept.tags,
    lookup: localHit(kept, nowMs, true),
    vouchedUntilMs: kept.vouchedUntilMs,
  }
}
