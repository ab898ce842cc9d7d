import { keyWithin, type TierKey } from '../key.ts'
import type { DeleteOutcome } from '../lookup.ts'
import type { Attempt, GuardedTier } from '../tiers/guarded-tier.ts'
import type { FillOutcome, Generation } from '../tiers/tier.ts'
import type { Engine, Lifetime, NamespaceContext } from './engine.ts'
import { lookUpLocally } from './look-up.ts'
import { lifetimeOf } from './prepare.ts'
import { believable, type Found } from './read-tiers.ts'
import { announceKey, eachFromFarthest, outcomeOf } from './write-tiers.ts'

/*
 * Giving an entry another life writes the same value again, through the fence: whatever was stored or deleted meanwhile
 * stays. Tags, sequence and age remain those of the value, so that nothing invalidated comes back.
 */

/** How often an entry that keeps being replaced is looked at again, before it is simply deleted. */
const ATTEMPTS = 3

/** Ends the time to live of what the tiers have; what of it has a grace stays as a fallback from now on. */
export async function expireThrough(engine: Engine, context: NamespaceContext, key: TierKey): Promise<DeleteOutcome> {
  const here = (): boolean => {
    engine.supersede(key)
    return expireLocally(engine, context, key)
  }
  let existed = here()
  return engine.mutations.run(key.id, async () => {
    const failures = await eachFromFarthest(context.tiers, async (tier) => {
      const attempt = await expireIn(engine, context, { tier, key })
      if (attempt.ok && attempt.value) existed = true
      return attempt
    })
    const unannounced = await announceKey(engine, context, key)
    // A read that began meanwhile may have brought it into memory as fresh.
    if (here()) existed = true
    return { ...outcomeOf([...failures, ...unannounced]), existed }
  })
}

export interface AskedLife {
  readonly ttlMs?: number | undefined
  readonly graceMs?: number | undefined
}

/** Gives what the tiers have, if it is fresh and valid, a new time to live from now on. */
export async function touchThrough(
  engine: Engine,
  context: NamespaceContext,
  { key, ...asked }: AskedLife & { readonly key: TierKey },
): Promise<DeleteOutcome> {
  const lifeOf = (absent: boolean): Lifetime => lifetimeOf(engine, context, { ...asked, absent })
  lifeOf(false)
  return engine.mutations.run(key.id, async () => {
    let existed = false
    const failures = await eachFromFarthest(context.tiers, async (tier) => {
      const attempt = await touchIn(engine, context, { tier, key, lifeOf })
      if (attempt.ok && attempt.value) existed = true
      return attempt
    })
    if (touchLocally(engine, context, { key, lifeOf })) existed = true
    return { ...outcomeOf(failures), existed }
  })
}

interface Place {
  readonly tier: GuardedTier
  readonly key: TierKey
}

async function expireIn(engine: Engine, context: NamespaceContext, { tier, key }: Place): Promise<Attempt<boolean>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const seen = await look(engine, context, { tier, key })
    if (!seen.ok || seen.value?.found.envelope.graceMs === undefined || seen.value.found.envelope.graceMs === 0) break
    const { found, generation } = seen.value
    const { graceMs, ttlMs } = found.envelope
    const leftMs = found.left.ttlMs > 0 ? graceMs : found.left.graceMs
    const ageMs = Math.max(1, found.left.ttlMs > 0 ? found.ageMs : ttlMs)
    const rewritten = await rewrite(context, { tier, key, found, generation, life: { ttlMs: ageMs, graceMs }, leftMs })
    if (!rewritten.ok) break
    if (rewritten.value === 'stored') return { ok: true, value: true }
  }
  // Also where there is nothing: what is being loaded for it was known before.
  return tier.delete(key)
}

async function touchIn(
  engine: Engine,
  context: NamespaceContext,
  { tier, key, lifeOf }: Place & { readonly lifeOf: (absent: boolean) => Lifetime },
): Promise<Attempt<boolean>> {
  const seen = await look(engine, context, { tier, key })
  if (!seen.ok) return seen
  if (seen.value === undefined || seen.value.found.left.ttlMs <= 0) return { ok: true, value: false }
  const { found, generation } = seen.value
  const { ttlMs, graceMs } = lifeOf(found.envelope.absent)
  const life = { ttlMs: found.ageMs + ttlMs, graceMs }
  const rewritten = await rewrite(context, { tier, key, found, generation, life, leftMs: ttlMs + graceMs })
  return rewritten.ok ? { ok: true, value: rewritten.value === 'stored' } : rewritten
}

interface Seen {
  readonly found: Found
  readonly generation: Generation | undefined
}

async function look(engine: Engine, context: NamespaceContext, { tier, key }: Place): Promise<Attempt<Seen | undefined>> {
  const attempt = await tier.read(key)
  if (!attempt.ok) return attempt
  const { entry, generation } = attempt.value
  const found = entry && (await believable(engine, context, { key, entry, tier, generation, atLeast: 0 }))
  return { ok: true, value: found && { found, generation } }
}

interface Rewriting extends Place, Seen {
  /** As the envelope has it. */
  readonly life: Lifetime
  /** Until the tier drops it. */
  readonly leftMs: number
}

async function rewrite(
  context: NamespaceContext,
  { tier, key, found, generation, life, leftMs }: Rewriting,
): Promise<Attempt<FillOutcome>> {
  const payload = context.format.encode({ ...found.envelope, ...life }, found.prepared)
  const write = { payload, ttlMs: leftMs, sequence: found.envelope.sequence }
  if (tier.fenced) return generation === undefined ? { ok: true, value: 'superseded' } : tier.fill(key, write, generation)
  const written = await tier.write(key, write)
  return written.ok ? { ok: true, value: 'stored' } : written
}

function expireLocally({ local }: Engine, { policy }: NamespaceContext, key: TierKey): boolean {
  const nowMs = local.nowMs()
  const entry = local.get(key.id, nowMs)
  if (entry === undefined) return false
  if (nowMs >= entry.freshUntilMs) return true
  const staleMs = Math.min(entry.goneAtMs - entry.freshUntilMs, policy.graceMs)
  if (staleMs > 0) local.setLife(key, { freshMs: 0, staleMs })
  else local.delete(key)
  return true
}

function touchLocally(
  engine: Engine,
  context: NamespaceContext,
  { key, lifeOf }: { readonly key: TierKey; readonly lifeOf: (absent: boolean) => Lifetime },
): boolean {
  const hit = lookUpLocally(engine, context, keyWithin(key))
  if (hit?.outcome !== 'hit' || context.memoryCapMs === undefined) return false
  const { ttlMs, graceMs } = lifeOf(hit.value === undefined)
  engine.local.setLife(key, { freshMs: Math.min(ttlMs, context.memoryCapMs), staleMs: graceMs === 0 ? 0 : ttlMs + graceMs })
  return true
}
