import { toError } from '@cidadao/contracts'
import { CacheFactoryTimeoutError } from '../errors.ts'
import { keyWithin, type TierKey } from '../key.ts'
import type { Lookup } from '../lookup.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import type { LeaseRequest } from '../tiers/tier.ts'
import { runFactory, type Factory, type Produced } from './factory-run.ts'
import { ageOf } from './local-entries.ts'
import type { FlightControl } from '../concurrency/flights.ts'
import { HeldLease, LeaseWait } from './lease.ts'
import { counted, localFallback, localHit, lookUpLocally, owedToSession, sharedHit } from './look-up.ts'
import {
  encodeFor,
  encodeFound,
  handOut,
  keepLocally,
  lifetimeOf,
  prepareWritten,
  tagsOf,
  type PreparedEntry,
  type PreparedValue,
} from './prepare.ts'
import { beginProduction, endProduction, foundVouchedUntil, type Production } from './production.ts'
import { checkSometimes } from '../telemetry/origin-check.ts'
import { readTiers, type TierReading } from './read-tiers.ts'
import { fillTiers, lifeOf, type FillResult } from './write-tiers.ts'

export interface ObtainRequest {
  readonly key: TierKey
  readonly factory: Factory<unknown>
  readonly signal: AbortSignal | undefined
  readonly ttlMs: number | undefined
  readonly graceMs: number | undefined
  readonly tags: readonly string[] | undefined
}

/** A fallback of the past, from memory or from a shared tier. */
interface Stale {
  readonly prepared: PreparedValue
  readonly ageMs: number
  readonly graceLeftMs: number
  readonly tags: readonly string[]
  readonly lookup: Lookup<unknown>
  readonly vouchedUntilMs: number
}

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
  const prepared = await engine.flights.fly(
    request.key,
    (control) => readOrProduce(engine, context, { ...request, control, atLeast }),
    request.signal,
  )
  return handOut(prepared)
}

type FlightRequest = ObtainRequest & { readonly control: FlightControl; readonly atLeast: number }

/** Asks the shared tiers, again and again while another process is producing the value; then produces it here. */
async function readOrProduce(engine: Engine, context: NamespaceContext, request: FlightRequest): Promise<PreparedValue> {
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
  for (;;) {
    const production = beginProduction(engine, context, request.key)
    try {
      const reading = await readTiers(engine, context, request.key, { toFill: true, lease, atLeast: request.atLeast })
      if (reading.lease?.outcome === 'held' && (await wait.pause(reading.lease.leftMs, request.control.signal))) continue
      const held =
        reading.lease?.outcome === 'granted' ? new HeldLease(engine, { ...reading.lease, key: request.key, request: lease }) : undefined
      return await readingToValue(engine, context, { request, reading, production, held })
    } finally {
      endProduction(engine, production)
    }
  }
}

interface Flight {
  readonly request: FlightRequest
  readonly reading: TierReading
  readonly production: Production
  readonly held: HeldLease | undefined
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

async function produceOrFallBack(
  engine: Engine,
  context: NamespaceContext,
  flight: Flight & { readonly stale: Stale | undefined },
): Promise<PreparedValue> {
  try {
    return await produce(engine, context, flight)
  } catch (thrown) {
    const { request, production } = flight
    const stale = request.control.signal.aborted ? undefined : await stillFallback(engine, context, flight)
    if (stale === undefined) throw thrown
    engine.events.emit('error', { operation: 'factory', error: toError(thrown), namespace: context.policy.name })
    counted(engine, context, stale.lookup)
    if (production.ticket.valid) keepAsFallback(engine, context, flight, stale)
    return stale.prepared
  }
}

/**
 * The fallback that was found before the factory ran, or what there is now: while the clock is out of reach callers may
 * have joined long after it was found, and must not be given what has been invalidated in between.
 */
async function stillFallback(
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

async function produce(
  engine: Engine,
  context: NamespaceContext,
  flight: Flight & { readonly stale: Stale | undefined },
): Promise<PreparedValue> {
  const { value, adaptation } = await timedFactory(engine, context, flight)
  const prepared = await prepareWritten(context, value)
  if (adaptation.skip === true) return prepared
  const { request } = flight
  const lifetime = lifetimeOf(engine, context, {
    ttlMs: adaptation.ttlMs ?? request.ttlMs,
    graceMs: adaptation.graceMs ?? request.graceMs,
    absent: value === undefined,
  })
  const tags = tagsOf(context, request.tags, adaptation.tags)
  await storeProduced(engine, context, flight, { key: request.key, prepared, lifetime, tags, production: flight.production })
  return prepared
}

async function storeProduced(engine: Engine, context: NamespaceContext, flight: Flight, entry: PreparedEntry): Promise<void> {
  const result = await fillProduced(engine, context, flight, entry)
  if (result === 'stored') flight.held?.filled()
  if (result === 'superseded') context.counters.superseded++
  else {
    context.counters.sets++
    keepLocally(engine, context, entry)
  }
  const outcome = result === 'stored' ? 'done' : result
  engine.events.emit('set', { namespace: context.policy.name, source: 'factory', outcome })
}

async function fillProduced(engine: Engine, context: NamespaceContext, flight: Flight, entry: PreparedEntry): Promise<FillResult> {
  const { tags } = entry
  const { production } = flight
  // What was invalidated by a tag while it was produced would be refused by every reader: it is not stored at all.
  if (!context.clock.admits({ tick: production.tick, tags })) return 'superseded'
  const { targets } = flight.reading
  const payload = targets.length === 0 ? NO_PAYLOAD : encodeFor(engine, context, entry)
  const write = { payload, ttlMs: lifeOf(entry), sequence: production.sequence }
  return fillTiers(engine, entry.key, { write, targets, ticket: production.ticket })
}

async function timedFactory(
  engine: Engine,
  context: NamespaceContext,
  { request, stale }: Flight & { readonly stale: Stale | undefined },
): Promise<Produced<unknown>> {
  const { clock } = engine
  const namespace = context.policy.name
  const startedMs = clock.monotonicMs()
  context.counters.factoryRuns++
  try {
    const produced = await runFactory({
      clock,
      factory: request.factory,
      stale: stale && { value: handOut(stale.prepared), ageMs: stale.ageMs },
      timeoutMs: context.policy.factoryTimeoutMs,
      signal: request.control.signal,
    })
    engine.events.emit('factory', { namespace, outcome: 'ok', durationMs: clock.monotonicMs() - startedMs })
    return produced
  } catch (thrown) {
    context.counters.factoryFailures++
    const failed = thrown instanceof CacheFactoryTimeoutError ? 'timeout' : 'failed'
    const outcome = request.control.signal.aborted ? 'aborted' : failed
    engine.events.emit('factory', { namespace, outcome, durationMs: clock.monotonicMs() - startedMs })
    throw thrown
  }
}

const NO_PAYLOAD = Buffer.alloc(0)

/** After a failed factory the stale value is served for a while without another try, counted from now, not from its expiry. */
function keepAsFallback(engine: Engine, context: NamespaceContext, { request, production }: Flight, stale: Stale): void {
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

function retryIsTooEarly(engine: Engine, context: NamespaceContext, key: TierKey): Lookup<unknown> | undefined {
  const nowMs = engine.local.nowMs()
  const entry = localFallback(engine, context, key, nowMs)
  return entry !== undefined && nowMs < entry.retryAtMs ? localHit(entry, nowMs, true) : undefined
}

function staleFor(engine: Engine, context: NamespaceContext, flight: Omit<Flight, 'held'>): Stale | undefined {
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

function valueOf(lookup: Lookup<unknown>): unknown {
  return lookup.outcome === 'hit' ? lookup.value : undefined
}
