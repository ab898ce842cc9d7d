import { toError } from '@cidadao/contracts'
import { CacheFactoryTimeoutError } from '../errors.ts'
import { MEMORY_TIER } from '../policy.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import { runFactory, type Produced } from './factory-run.ts'
import { keepAsFallback, stillFallback, type Stale } from './fallback.ts'
import type { Flight } from './flight.ts'
import { counted } from './look-up.ts'
import { encodeFor, handOut, keepLocally, lifetimeOf, prepareWritten, tagsOf, type PreparedEntry, type PreparedValue } from './prepare.ts'
import { fillTiers, lifeOf, type FillResult } from './write-tiers.ts'

export async function produceOrFallBack(
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

export async function produce(
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
  const entry = { key: request.key, prepared, lifetime, tags, production: flight.production }
  await storeProduced(engine, context, within(flight, adaptation.tiers), { ...entry, keptBy: adaptation.tiers })
  return prepared
}

/** What the flight may fill, of the tiers that the factory named. */
function within(flight: Flight, tiers: readonly string[] | undefined): Flight {
  if (tiers === undefined) return flight
  const targets = flight.reading.targets.filter(({ tier }) => tiers.includes(tier.name))
  // A lease whose tier is not filled has to be given back.
  const held = targets.length === flight.reading.targets.length ? flight.held : undefined
  return { ...flight, held, reading: { ...flight.reading, targets } }
}

type ProducedEntry = PreparedEntry & { readonly keptBy: readonly string[] | undefined }

async function storeProduced(engine: Engine, context: NamespaceContext, flight: Flight, entry: ProducedEntry): Promise<void> {
  const result = await fillProduced(engine, context, flight, entry)
  if (result === 'stored') flight.held?.filled()
  if (result === 'superseded') context.counters.superseded++
  else {
    context.counters.sets++
    if (entry.keptBy?.includes(MEMORY_TIER) !== false) keepLocally(engine, context, entry)
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
    const durationMs = clock.monotonicMs() - startedMs
    context.refreshing.took(durationMs)
    engine.events.emit('factory', { namespace, outcome: 'ok', durationMs })
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
