import type { CacheUnavailableError } from '../errors.ts'
import type { Invalidation } from '../consistency/invalidation.ts'
import { keyWithin, type TierKey } from '../key.ts'
import type { DeleteOutcome, WriteOutcome } from '../lookup.ts'
import type { Attempt, GuardedTier } from '../tiers/guarded-tier.ts'
import type { TierWrite } from '../tiers/tier.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import type { Ticket } from '../concurrency/local-fence.ts'
import { encodeFor, keepLocally, type PreparedEntry, type PreparedValue } from './prepare.ts'
import { momentOf } from './production.ts'
import type { FillTarget } from './read-tiers.ts'

/*
 * Shared tiers are written and deleted from the farthest to the nearest. A reader on its way down opened its fill
 * window in the near tier before it saw the far one; with the near tier changed last, what it brings back up from a
 * far tier that still had the old value is refused.
 */

/** An entry whose value is still being checked. */
export type WrittenEntry = Omit<PreparedEntry, 'production' | 'prepared'> & { readonly preparing: Promise<PreparedValue> }

/**
 * Stores in memory and all tiers of the namespace, replacing whatever is under way for the key. Its place among the
 * writes of the key, and among invalidations by tag or of everything, is that of the call, however long the checking takes.
 */
export async function writeThrough(
  engine: Engine,
  context: NamespaceContext,
  { preparing, ...asked }: WrittenEntry,
): Promise<WriteOutcome> {
  const { key } = asked
  const called = engine.local.nowMs() < context.clock.trustedUntilMs ? momentOf(engine, context) : undefined
  preparing.catch(() => {}) // Thrown below, when it is this write's turn.
  return engine.mutations.run(key.id, async () => {
    const entry = { ...asked, prepared: await preparing }
    if (called === undefined) await context.clock.verify()
    engine.supersede(key)
    const stamped = { ...entry, production: called ?? momentOf(engine, context) }
    keepLocally(engine, context, stamped)
    const payload = context.tiers.length === 0 ? NO_PAYLOAD : encodeFor(engine, context, stamped)
    const write = { payload, ttlMs: lifeOf(entry), sequence: stamped.production.sequence }
    const failures = await eachFromFarthest(context.tiers, (tier) => tier.write(key, write))
    // Reads that began meanwhile may carry what the tiers held before, or have brought it into memory already.
    engine.supersede(key)
    if (context.local.get(keyWithin(key))?.value !== entry.prepared.value) engine.local.delete(key)
    return outcomeOf([...failures, ...(await announceKey(engine, context, key))])
  })
}

export async function deleteThrough(engine: Engine, context: NamespaceContext, key: TierKey): Promise<DeleteOutcome> {
  const drop = (): boolean => {
    engine.supersede(key)
    return engine.local.delete(key)
  }
  let existed = drop()
  return engine.mutations.run(key.id, async () => {
    const failures = await eachFromFarthest(context.tiers, async (tier) => {
      const attempt = await tier.delete(key)
      if (attempt.ok && attempt.value) existed = true
      return attempt
    })
    const unannounced = await announceKey(engine, context, key)
    // A read that began meanwhile may have brought the old value into memory.
    if (drop()) existed = true
    return { ...outcomeOf([...failures, ...unannounced]), existed }
  })
}

/**
 * Of the tier with the clock, by the clock alone: at once, however much it holds; what it holds is removed later. Tiers
 * beyond are emptied, so that they can be believed also while the clock is out of reach.
 */
export async function clearThrough(engine: Engine, context: NamespaceContext): Promise<WriteOutcome> {
  const { clock, prefix } = context
  const drop = (): void => {
    engine.supersedeNamespace(prefix)
    engine.local.clear(prefix)
    clock.invalidateHere(EVERYTHING)
  }
  drop()
  const emptied = context.tiers.filter((tier) => isEmptiedBy(clock.tier, tier))
  // What was written before the clear must not land in an emptied tier after it.
  if (emptied.length > 0) await engine.mutations.settled(`${prefix}/`)
  const failures = await eachFromFarthest(emptied, (tier) => tier.clear(prefix))
  const unannounced = await announce(engine, context, EVERYTHING)
  if (unannounced.length === 0) sweepLater(engine, context)
  drop()
  return outcomeOf([...failures, ...unannounced])
}

/** What cannot be swept later is emptied now; what cannot be emptied the clock alone has to make invalid. */
function isEmptiedBy(clockTier: string | undefined, tier: GuardedTier): boolean {
  if (clockTier === undefined) return true
  return tier.canClear && !(tier.name === clockTier && tier.canSweep)
}

/** However many entries have them: only the tags' marks are changed. */
export async function invalidateTagsThrough(engine: Engine, context: NamespaceContext, tags: readonly string[]): Promise<WriteOutcome> {
  const what = { keys: [], tags, all: false }
  context.clock.invalidateHere(what)
  return outcomeOf(await announce(engine, context, what))
}

const EVERYTHING: Invalidation = { keys: [], tags: [], all: true }

function sweepLater(engine: Engine, { clock, tiers, prefix }: NamespaceContext): void {
  for (const tier of tiers) if (tier.name === clock.tier && tier.canSweep) engine.inBackground(tier.sweep(prefix, clock.sequence))
}

/** Also where the policy does without memory: others may have a factory under way that must not be joined any more. */
export async function announceKey(engine: Engine, context: NamespaceContext, key: TierKey): Promise<readonly Failure[]> {
  return announce(engine, context, { keys: [keyWithin(key)], tags: [], all: false })
}

async function announce(engine: Engine, { clock, policy }: NamespaceContext, what: Invalidation): Promise<readonly Failure[]> {
  const outcome = await clock.announce(what)
  if (!outcome.ok) return [{ tier: clock.tier ?? policy.name, cause: outcome.cause }]
  engine.sessions.wrote(policy.name, clock.sequence)
  return []
}

export interface FillRequest {
  readonly write: TierWrite
  readonly targets: readonly FillTarget[]
  readonly ticket: Ticket
}

export const FILL_RESULTS = ['stored', 'superseded', 'pending'] as const
export type FillResult = (typeof FILL_RESULTS)[number]

/** Gives a produced or found value to the tiers that lacked it, each deciding by its fence whether it is still wanted. */
export async function fillTiers(engine: Engine, key: TierKey, request: FillRequest): Promise<FillResult> {
  const results = await Promise.all(request.targets.map((target) => fillOne(engine, key, { ...request, target })))
  if (!request.ticket.valid || results.includes('superseded')) return 'superseded'
  return results.includes('pending') ? 'pending' : 'stored'
}

async function fillOne(engine: Engine, key: TierKey, request: FillRequest & { readonly target: FillTarget }): Promise<FillResult> {
  const { tier, generation } = request.target
  if (!request.ticket.valid) return 'superseded'
  if (!tier.fenced) return fillWithoutFence(engine, key, request)
  // No window could be opened: the tier is full, or has repairs to do on this key first.
  if (generation === undefined) return 'pending'
  const attempt = await tier.fill(key, request.write, generation)
  return attempt.ok ? attempt.value : 'pending'
}

/** In the queue of the key's writes, so that a delete waits for it and then removes it, or comes first and stops it. */
function fillWithoutFence(engine: Engine, key: TierKey, request: FillRequest & { readonly target: FillTarget }): Promise<FillResult> {
  return engine.mutations.run(key.id, async () => {
    if (!request.ticket.valid) return 'superseded'
    const attempt = await request.target.tier.write(key, request.write)
    return attempt.ok ? 'stored' : 'pending'
  })
}

const NO_PAYLOAD = Buffer.alloc(0)

export function lifeOf(entry: Pick<PreparedEntry, 'lifetime'>): number {
  return entry.lifetime.ttlMs + entry.lifetime.graceMs
}

export interface Failure {
  readonly tier: string
  readonly cause: CacheUnavailableError
}

export async function eachFromFarthest(
  tiers: readonly GuardedTier[],
  run: (tier: GuardedTier) => Promise<Attempt<unknown>>,
): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  for (const tier of tiers.toReversed()) {
    const attempt = await run(tier)
    if (!attempt.ok) failures.push({ tier: tier.name, cause: attempt.cause })
  }
  return failures
}

export function outcomeOf(failures: readonly Failure[]): WriteOutcome {
  const [first] = failures
  if (first === undefined) return { outcome: 'done' }
  return { outcome: 'pending', tiers: [...new Set(failures.map((failure) => failure.tier))], cause: first.cause }
}
