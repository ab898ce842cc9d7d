import type { CacheUnavailableError } from '../errors.ts'
import type { TierKey } from '../key.ts'
import type { DeleteOutcome, WriteOutcome } from '../lookup.ts'
import type { Attempt, GuardedTier } from '../tiers/guarded-tier.ts'
import type { TierWrite } from '../tiers/tier.ts'
import type { Engine, NamespaceContext } from './engine.ts'
import type { Ticket } from '../concurrency/local-fence.ts'
import { encodeFor, keepLocally, type PreparedEntry } from './prepare.ts'
import type { FillTarget } from './read-tiers.ts'

/*
 * Shared tiers are written and deleted from the farthest to the nearest. A reader on its way down opened its fill
 * window in the near tier before it saw the far one; with the near tier changed last, what it brings back up from a
 * far tier that still had the old value is refused.
 */

/** Stores in memory and all tiers of the namespace, replacing whatever is under way for the key. */
export async function writeThrough(engine: Engine, context: NamespaceContext, entry: PreparedEntry): Promise<WriteOutcome> {
  const { key } = entry
  engine.supersede(key)
  return engine.mutations.run(key.id, async () => {
    engine.supersede(key)
    keepLocally(engine, context, entry)
    const write = { payload: context.tiers.length === 0 ? NO_PAYLOAD : encodeFor(engine, context, entry), ttlMs: lifeOf(entry) }
    const failures = await eachFromFarthest(context.tiers, (tier) => tier.write(key, write))
    // Reads that began meanwhile may carry what the tiers held before.
    engine.supersede(key)
    return outcomeOf(failures)
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
    // A read that began meanwhile may have brought the old value into memory.
    if (drop()) existed = true
    return { ...outcomeOf(failures), existed }
  })
}

export async function clearThrough(engine: Engine, context: NamespaceContext): Promise<WriteOutcome> {
  const drop = (): void => {
    engine.supersedeNamespace(context.prefix)
    engine.local.clear(context.prefix)
  }
  drop()
  const failures = await eachFromFarthest(context.tiers, (tier) => tier.clear(context.prefix))
  drop()
  return outcomeOf(failures)
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

interface Failure {
  readonly tier: string
  readonly cause: CacheUnavailableError
}

async function eachFromFarthest(
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

function outcomeOf(failures: readonly Failure[]): WriteOutcome {
  const [first] = failures
  if (first === undefined) return { outcome: 'done' }
  return { outcome: 'pending', tiers: failures.map((failure) => failure.tier), cause: first.cause }
}
