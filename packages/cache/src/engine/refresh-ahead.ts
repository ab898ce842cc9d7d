import { toError } from '@cidadao/contracts'
import type { Engine, NamespaceContext } from './engine.ts'
import type { Flight, FlightRequest, ObtainRequest } from './flight.ts'
import { localStale, type Stale } from './fallback.ts'
import { HeldLease } from './lease.ts'
import { sharedHit } from './look-up.ts'
import { readOrProduce } from './obtain.ts'
import { keepLocally, type PreparedValue } from './prepare.ts'
import { produce } from './produce.ts'
import { beginProduction, endProduction, foundVouchedUntil, type Production } from './production.ts'
import { readTiers, type Found, type TierReading } from './read-tiers.ts'

/** On a hit in memory: loads the value anew, in the background, if its end is near enough for this throw of the dice. */
export function refreshSometimes(engine: Engine, context: NamespaceContext, request: ObtainRequest): void {
  const { key } = request
  const nowMs = engine.clock.monotonicMs()
  const leadMs = context.refreshing.leadMs(engine.random())
  const entry = engine.local.get(key.id, nowMs)
  if (entry === undefined || entry.freshUntilMs - nowMs > leadMs) return
  if (engine.flights.isOpen(key) || !context.refreshing.mayTry(key, nowMs)) return
  // Who misses meanwhile joins it: so there is one load of a key, whatever it is for.
  const refreshed = engine.flights.fly<PreparedValue>(
    key,
    (control) => refresh(engine, context, { ...request, signal: undefined, control, atLeast: 0, leadMs }),
    { signal: undefined },
  )
  const onError = (thrown: unknown): void =>
    engine.events.emit('error', { operation: 'factory', error: toError(thrown), namespace: context.policy.name })
  engine.inBackground(refreshed.catch(onError))
}

type RefreshRequest = FlightRequest & { readonly leadMs: number }

async function refresh(engine: Engine, context: NamespaceContext, request: RefreshRequest): Promise<PreparedValue> {
  const { key } = request
  const lease = { token: engine.leaseTokens.enter(key), leaseMs: context.policy.leaseMs }
  const production = beginProduction(engine, context, key)
  try {
    const reading = await readTiers(engine, context, key, { toFill: true, lease, pastFresh: true })
    const granted = reading.lease?.outcome === 'granted' ? reading.lease : undefined
    const held = granted && new HeldLease(engine, { ...granted, key, request: lease })
    try {
      return await refreshFrom(engine, context, { request, reading, production, held })
    } finally {
      held?.release()
    }
  } finally {
    endProduction(engine, production)
    engine.leaseTokens.leave(key)
  }
}

async function refreshFrom(
  engine: Engine,
  context: NamespaceContext,
  flight: Flight & { readonly request: RefreshRequest },
): Promise<PreparedValue> {
  const { request, reading, production } = flight
  const { fresh } = reading
  if (fresh !== undefined && (reading.lease?.outcome === 'held' || fresh.left.ttlMs > request.leadMs)) {
    // Somebody else is at it, or has done it: what they have is as new as can be had.
    if (production.ticket.valid) keepFound(engine, context, { request, found: fresh, production })
    return fresh.prepared
  }
  // It is gone, and somebody is loading it: who has joined waits for that as on any miss.
  if (reading.lease?.outcome === 'held') return readOrProduce(engine, context, request)
  const stale = knownNow(engine, context, { request, reading, production })
  const knownUntilMs = engine.clock.monotonicMs() + (stale?.graceLeftMs ?? 0)
  if (stale !== undefined) request.control.offer({ value: stale.prepared, untilMs: knownUntilMs, onTaken: () => {} })
  try {
    const prepared = await produce(engine, context, { ...flight, stale })
    context.refreshing.succeeded(request.key)
    return prepared
  } catch (thrown) {
    const nowMs = engine.clock.monotonicMs()
    context.refreshing.failed(request.key, nowMs)
    if (stale === undefined || nowMs >= Math.min(knownUntilMs, context.clock.trustedUntilMs)) throw thrown
    engine.events.emit('error', { operation: 'factory', error: toError(thrown), namespace: context.policy.name })
    return stale.prepared
  }
}

/** The value that is about to be replaced; `graceLeftMs` is until it is not even a fallback. */
function knownNow(
  engine: Engine,
  context: NamespaceContext,
  { request, reading, production }: { readonly request: RefreshRequest; readonly reading: TierReading; readonly production: Production },
): Stale | undefined {
  const found = reading.fresh ?? reading.stale
  if (found !== undefined) {
    const { prepared, ageMs, left, envelope } = found
    const vouchedUntilMs = foundVouchedUntil(engine, production, found)
    const graceLeftMs = Math.max(0, left.ttlMs) + left.graceMs
    return { prepared, ageMs, graceLeftMs, tags: envelope.tags, lookup: sharedHit(found, true), vouchedUntilMs }
  }
  if (context.tiers.length > 0) return undefined
  const nowMs = engine.local.nowMs()
  const kept = engine.local.get(request.key.id, nowMs)
  return kept && localStale(kept, nowMs)
}

function keepFound(
  engine: Engine,
  context: NamespaceContext,
  { request, found, production }: { readonly request: RefreshRequest; readonly found: Found; readonly production: Production },
): void {
  const { prepared, left, ageMs, envelope } = found
  const vouchedUntilMs = foundVouchedUntil(engine, production, found)
  keepLocally(engine, context, { key: request.key, prepared, lifetime: left, ageMs, tags: envelope.tags, production, vouchedUntilMs })
}
