import { toError } from '@cidadao/contracts'
import { CacheFactoryTimeoutError } from '../errors.ts'
import type { TierKey } from '../key.ts'
import type { Lookup } from '../lookup.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import { runFactory, type Factory, type Produced } from './factory-run.ts'
import { ageOf } from './local-entries.ts'
import type { FlightControl } from '../concurrency/flights.ts'
import type { Ticket } from '../concurrency/local-fence.ts'
import { counted, localHit, sharedHit } from './look-up.ts'
import { encodeFor, handOut, keepLocally, lifetimeOf, prepareWritten, type PreparedEntry, type PreparedValue } from './prepare.ts'
import { readTiers, type TierReading } from './read-tiers.ts'
import { fillTiers, lifeOf } from './write-tiers.ts'

export interface ObtainRequest {
  readonly key: TierKey
  readonly factory: Factory<unknown>
  readonly signal: AbortSignal | undefined
  readonly ttlMs: number | undefined
  readonly graceMs: number | undefined
}

/** A fallback of the past, from memory or from a shared tier. */
interface Stale {
  readonly prepared: PreparedValue
  readonly ageMs: number
  readonly graceLeftMs: number
  readonly lookup: Lookup<unknown>
}

/** The value from a shared tier or, at most once at a time in this process, from the factory. Memory has been tried. */
export async function obtain(engine: Engine, context: NamespaceContext, request: ObtainRequest): Promise<unknown> {
  const waiting = retryIsTooEarly(engine, request.key)
  if (waiting !== undefined) return valueOf(counted(engine, context, waiting))
  if (engine.flights.isOpen(request.key)) context.counters.factoryJoins++
  const prepared = await engine.flights.fly(
    request.key,
    (control) => readOrProduce(engine, context, { ...request, control }),
    request.signal,
  )
  return handOut(prepared)
}

type FlightRequest = ObtainRequest & { readonly control: FlightControl }

async function readOrProduce(engine: Engine, context: NamespaceContext, request: FlightRequest): Promise<PreparedValue> {
  const ticket = engine.fence.issue(request.key)
  try {
    const reading = await readTiers(engine, context, request.key, { toFill: true })
    if (reading.fresh !== undefined) return await promote(engine, context, { request, reading, ticket })
    const stale = staleFor(engine, request.key, reading)
    counted(engine, context, reading.cause === undefined ? { outcome: 'miss' } : { outcome: 'unavailable', cause: reading.cause })
    return await produceOrFallBack(engine, context, { request, reading, ticket, stale })
  } finally {
    engine.fence.release(ticket)
  }
}

interface Flight {
  readonly request: FlightRequest
  readonly reading: TierReading
  readonly ticket: Ticket
}

/** Brings what a far tier had to the nearer ones, with no more life than it has left there. */
async function promote(engine: Engine, context: NamespaceContext, { request, reading, ticket }: Flight): Promise<PreparedValue> {
  const { fresh: found, targets } = reading
  if (found === undefined) throw new TypeError('nothing to promote')
  counted(engine, context, sharedHit(found, false))
  const entry = { key: request.key, prepared: found.prepared, lifetime: found.left }
  const write = { payload: found.payload, ttlMs: Math.ceil(lifeOf(entry)) }
  const result = await fillTiers(engine, request.key, { write, targets, ticket })
  if (result !== 'superseded') keepLocally(engine, context, { ...entry, ageMs: found.ageMs })
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
    const { stale, request, ticket } = flight
    if (stale === undefined || request.control.signal.aborted) throw thrown
    engine.events.emit('error', { operation: 'factory', error: toError(thrown), namespace: context.policy.name })
    counted(engine, context, stale.lookup)
    if (ticket.valid) keepAsFallback(engine, context, request.key, stale)
    return stale.prepared
  }
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
  await storeProduced(engine, context, flight, { key: request.key, prepared, lifetime })
  return prepared
}

async function storeProduced(engine: Engine, context: NamespaceContext, flight: Flight, entry: PreparedEntry): Promise<void> {
  const { targets } = flight.reading
  const payload = targets.length === 0 ? NO_PAYLOAD : encodeFor(engine, context, entry)
  const result = await fillTiers(engine, entry.key, { write: { payload, ttlMs: lifeOf(entry) }, targets, ticket: flight.ticket })
  if (result === 'superseded') context.counters.superseded++
  else {
    context.counters.sets++
    keepLocally(engine, context, entry)
  }
  const outcome = result === 'stored' ? 'done' : result
  engine.events.emit('set', { namespace: context.policy.name, source: 'factory', outcome })
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
function keepAsFallback(engine: Engine, context: NamespaceContext, key: TierKey, stale: Stale): void {
  if (context.memoryCapMs === undefined) return
  engine.local.put(key, {
    ...stale.prepared,
    ageMs: stale.ageMs,
    freshMs: 0,
    staleMs: stale.graceLeftMs,
    retryAfterMs: Math.min(context.policy.retryAfterMs, stale.graceLeftMs),
  })
}

function retryIsTooEarly(engine: Engine, key: TierKey): Lookup<unknown> | undefined {
  const nowMs = engine.local.nowMs()
  const entry = engine.local.get(key.id, nowMs)
  return entry !== undefined && nowMs < entry.retryAtMs ? localHit(entry, nowMs, true) : undefined
}

function staleFor(engine: Engine, key: TierKey, reading: TierReading): Stale | undefined {
  const found = reading.stale
  if (found !== undefined) {
    return { prepared: found.prepared, ageMs: found.ageMs, graceLeftMs: found.left.graceMs, lookup: sharedHit(found, true) }
  }
  const nowMs = engine.local.nowMs()
  const kept = engine.local.get(key.id, nowMs)
  // Where the shared tiers answered that there is none, a copy in memory is one that was invalidated elsewhere.
  if (kept === undefined || (reading.targets.length > 0 && reading.cause === undefined)) return undefined
  const prepared = { value: kept.value, shared: kept.shared, bytes: 0, plain: true }
  return { prepared, ageMs: ageOf(kept, nowMs), graceLeftMs: kept.goneAtMs - nowMs, lookup: localHit(kept, nowMs, true) }
}

function valueOf(lookup: Lookup<unknown>): unknown {
  return lookup.outcome === 'hit' ? lookup.value : undefined
}
