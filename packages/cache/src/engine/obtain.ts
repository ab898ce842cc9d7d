import { keyWithin } from '../key.ts'
import type { Lookup } from '../lookup.ts'
import type { LeaseRequest } from '../tiers/tier.ts'
import { checkSometimes } from '../telemetry/origin-check.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import { localStale, retryIsTooEarly, staleFor, type Stale } from './fallback.ts'
import type { Flight, FlightRequest, ObtainRequest } from './flight.ts'
import { HeldLease, LeaseWait } from './lease.ts'
import { counted, localFallback, lookUpLocally, owedToSession, sharedHit } from './look-up.ts'
import { patienceOf } from './patience.ts'
import { encodeFound, handOut, keepLocally, type PreparedValue } from './prepare.ts'
import { beginProduction, endProduction, foundVouchedUntil } from './production.ts'
import { produceOrFallBack } from './produce.ts'
import { readTiers } from './read-tiers.ts'
import { fillTiers, lifeOf } from './write-tiers.ts'

/** The value from a shared tier or, at most once at a time in this process, from the factory. Memory had nothing that could be believed without asking. */
export async function obtain(engine: Engine, context: NamespaceContext, request: ObtainRequest): Promise<unknown> {
  const owed = owedToSession(engine, context, request.key)
  const atLeast = typeof owed === 'number' ? owed : await owed
  if (typeof owed !== 'number') {
    const local = lookUpLocally(engine, context, keyWithin(request.key))
    if (local !== undefined) return valueOf(local)
  }
  const waiting = retryIsTooEarly(engine, context, request.key)
  if (waiting !== undefined) return valueOf(counted(engine, context, waiting))
  // What others began may be older than what this caller has written.
  if (atLeast > 0) engine.flights.detach(request.key)
  if (engine.flights.isOpen(request.key)) {
    context.counters.factoryJoins++
    engine.events.emit('join', { namespace: context.policy.name })
  }
  const prepared = await engine.flights.fly(request.key, (control) => readOrProduce(engine, context, { ...request, control, atLeast }), {
    signal: request.signal,
    patience: patienceOf(engine, context),
  })
  return handOut(prepared)
}

/** Asks the shared tiers, again and again while another process is producing the value; then produces it here. */
export async function readOrProduce(engine: Engine, context: NamespaceContext, request: FlightRequest): Promise<PreparedValue> {
  const lease = { token: engine.leaseTokens.enter(request.key), leaseMs: context.policy.leaseMs }
  try {
    return await underLease(engine, context, { ...request, lease })
  } finally {
    engine.leaseTokens.leave(request.key)
  }
}

async function underLease(
  engine: Engine,
  context: NamespaceContext,
  { lease, ...request }: FlightRequest & { readonly lease: LeaseRequest },
): Promise<PreparedValue> {
  const wait = new LeaseWait(engine, context)
  offerLocal(engine, context, request)
  for (;;) {
    const production = beginProduction(engine, context, request.key)
    try {
      const reading = await readTiers(engine, context, request.key, { toFill: true, lease, atLeast: request.atLeast })
      offerFound(engine, context, { request, reading })
      if (reading.lease?.outcome === 'held' && (await wait.pause(reading.lease.leftMs, request.control.signal))) continue
      const held =
        reading.lease?.outcome === 'granted' ? new HeldLease(engine, { ...reading.lease, key: request.key, request: lease }) : undefined
      return await readingToValue(engine, context, { request, reading, production, held })
    } finally {
      endProduction(engine, production)
    }
  }
}

async function readingToValue(engine: Engine, context: NamespaceContext, flight: Flight): Promise<PreparedValue> {
  const { reading, held } = flight
  try {
    if (reading.fresh !== undefined) return await promote(engine, context, flight)
    const stale = staleFor(engine, context, flight)
    counted(engine, context, reading.cause === undefined ? { outcome: 'miss' } : { outcome: 'unavailable', cause: reading.cause })
    return await produceOrFallBack(engine, context, { ...flight, stale })
  } finally {
    // After a fill it is gone already, and giving back what is not held does nothing.
    held?.release()
  }
}

/** Brings what a far tier had to the nearer ones, with no more life than it has left there. */
async function promote(engine: Engine, context: NamespaceContext, { request, reading, production, held }: Flight): Promise<PreparedValue> {
  const { fresh: found, targets } = reading
  if (found === undefined) throw new TypeError('nothing to promote')
  const hit = sharedHit(found, false)
  counted(engine, context, hit)
  if (context.policy.checkFraction > 0) checkSometimes(engine, context, hit, request.factory)
  const entry = { key: request.key, prepared: found.prepared, lifetime: found.left, tags: found.envelope.tags, production }
  if (targets.length > 0) {
    const write = { payload: encodeFound(context, found, production), ttlMs: Math.ceil(lifeOf(entry)), sequence: production.sequence }
    const result = await fillTiers(engine, request.key, { write, targets, ticket: production.ticket })
    if (result === 'stored') held?.filled()
    if (result === 'superseded') return found.prepared
  }
  const vouchedUntilMs = foundVouchedUntil(engine, production, found)
  if (production.ticket.valid) keepLocally(engine, context, { ...entry, ageMs: found.ageMs, vouchedUntilMs })
  return found.prepared
}

function valueOf(lookup: Lookup<unknown>): unknown {
  return lookup.outcome === 'hit' ? lookup.value : undefined
}

/** For who loses patience before the tiers have answered. */
function offerLocal(engine: Engine, context: NamespaceContext, { key, control }: FlightRequest): void {
  const nowMs = engine.local.nowMs()
  const kept = localFallback(engine, context, key, nowMs)
  if (kept !== undefined) offer(engine, context, { control, stale: localStale(kept, nowMs) })
}

function offerFound(engine: Engine, context: NamespaceContext, { request, reading }: Pick<Flight, 'request' | 'reading'>): void {
  const { stale: found } = reading
  if (found === undefined) return
  const stale = { prepared: found.prepared, graceLeftMs: found.left.graceMs, lookup: sharedHit(found, true) }
  offer(engine, context, { control: request.control, stale })
}

function offer(
  engine: Engine,
  context: NamespaceContext,
  { control, stale }: Pick<FlightRequest, 'control'> & { readonly stale: Pick<Stale, 'prepared' | 'graceLeftMs' | 'lookup'> },
): void {
  const untilMs = engine.clock.monotonicMs() + stale.graceLeftMs
  control.offer({ value: stale.prepared, untilMs, onTaken: () => void counted(engine, context, stale.lookup) })
}
