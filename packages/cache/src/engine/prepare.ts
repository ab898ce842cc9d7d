import { formatIssue } from '@cidadao/contracts'
import { checkedTags } from '../consistency/invalidation.ts'
import { CacheTagsUnsupportedError, CacheValueError } from '../errors.ts'
import type { TierKey } from '../key.ts'
import { checkedGrace, checkedTtl } from '../ttl.ts'
import { cloneValue } from '../values/clone.ts'
import { inspectValue, type Inspection } from '../values/inspect.ts'
import type { Engine, Lifetime, NamespaceContext } from './engine.ts'
import { vouchedUntil, type Moment } from './production.ts'
import type { Found } from './read-tiers.ts'

/** A value ready to be stored and handed out. */
export interface PreparedValue extends Pick<Inspection, 'bytes' | 'plain' | 'jsonOnly'> {
  readonly value: unknown
  /** One frozen object for all readers; otherwise each gets a clone. */
  readonly shared: boolean
}

/** Checks and freezes a value that a caller or factory gave. @throws {CacheValueError} */
export async function prepareWritten(context: NamespaceContext, value: unknown): Promise<PreparedValue> {
  const { policy } = context
  if (value === undefined) {
    if (policy.negativeTtlMs !== undefined) return prepare(context, undefined)
    throw new CacheValueError(`${policy.name}: undefined can be stored only where the policy has negativeTtlMs`, {
      facts: { namespace: policy.name, got: 'undefined' },
    })
  }
  const issues = await schemaIssues(context, value)
  if (issues === undefined) return prepare(context, value)
  throw new CacheValueError(`${policy.name}: the value breaks the policy's schema: ${issues}`, { facts: { namespace: policy.name } })
}

/** Freezes a value; of one that cannot be shared, keeps a private copy. @throws {CacheValueError | CacheValueTooLargeError} */
export function prepare({ policy }: NamespaceContext, value: unknown): PreparedValue {
  const { bytes, plain, jsonOnly, frozen } = inspectValue(value, { freeze: !policy.clone, maxBytes: policy.maxValueBytes })
  const shared = frozen && !policy.clone
  return { value: shared ? value : cloneValue(value), bytes, plain, jsonOnly, shared }
}

/** What is wrong with the value by the policy's schema, on one line; `undefined` when nothing is. */
export async function schemaIssues(context: NamespaceContext, value: unknown): Promise<string | undefined> {
  const result = await context.policy.schema?.['~standard'].validate(value)
  return result?.issues?.map(formatIssue).join('; ')
}

/** The value for one reader. */
export function handOut(prepared: Pick<PreparedValue, 'value' | 'shared'>): unknown {
  return prepared.shared ? prepared.value : cloneValue(prepared.value)
}

export interface AskedLifetime {
  readonly ttlMs?: number | undefined
  readonly graceMs?: number | undefined
  /** The value is a remembered absence. */
  readonly absent: boolean
}

/** The policy's lifetime with what the call or factory asked for, jittered downwards only. @throws {CacheTtlError} */
export function lifetimeOf(engine: Engine, context: NamespaceContext, asked: AskedLifetime): Lifetime {
  const { policy } = context
  const ttlMs = checkedTtl('ttlMs', asked.ttlMs ?? (asked.absent ? policy.negativeTtlMs : undefined) ?? policy.ttlMs)
  const graceMs = checkedGrace('graceMs', asked.graceMs ?? (asked.absent ? 0 : policy.graceMs))
  const cut = policy.jitter === 0 ? 0 : policy.jitter * engine.random()
  return { ttlMs: Math.max(1, Math.round(ttlMs * (1 - cut))), graceMs }
}

export function encodeFor(engine: Engine, context: NamespaceContext, entry: PreparedEntry): Buffer {
  const { key, prepared, lifetime } = entry
  const header = {
    id: key.id,
    createdAtMs: engine.clock.now().getTime(),
    ...lifetime,
    sequence: entry.production.sequence,
    tags: entry.tags,
  }
  return context.format.encode(header, prepared)
}

/** An entry found in one tier, for another: nothing invalidated it up to the beginning of its reading, so it may carry that sequence. */
export function encodeFound({ format }: NamespaceContext, { envelope, payload, prepared }: Found, { sequence }: Moment): Buffer {
  if (envelope.sequence === sequence && format.isCurrent(envelope)) return payload
  return format.encode({ ...envelope, sequence }, prepared)
}

export interface PreparedEntry {
  readonly key: TierKey
  readonly prepared: PreparedValue
  readonly lifetime: Lifetime
  readonly tags: readonly string[]
  readonly production: Moment
}

/** The tags of an entry: the policy's, the call's and the factory's. @throws {CacheTagError | CacheTagsUnsupportedError} */
export function tagsOf(context: NamespaceContext, ...asked: readonly (readonly string[] | undefined)[]): readonly string[] {
  const { policy, servesTags } = context
  const more = asked.flatMap((tags) => tags ?? [])
  if (more.length === 0 && policy.tags.length === 0) return policy.tags
  if (servesTags) return more.length === 0 ? policy.tags : checkedTags([...policy.tags, ...more])
  throw new CacheTagsUnsupportedError(`${policy.name}: tags need a tier with a logical clock; none of its shared tiers has one`, {
    facts: { namespace: policy.name },
  })
}

/** Puts an entry in this process' memory, for no longer than the policy's cap. */
export function keepLocally(
  engine: Engine,
  context: NamespaceContext,
  entry: PreparedEntry & { readonly ageMs?: number; readonly vouchedUntilMs?: number },
): void {
  const { key, prepared, lifetime, tags, production } = entry
  if (context.memoryCapMs === undefined || !context.clock.admits({ tick: production.tick, tags })) return
  engine.local.put(key, {
    value: prepared.value,
    shared: prepared.shared,
    bytes: prepared.bytes,
    ageMs: entry.ageMs ?? 0,
    freshMs: Math.min(lifetime.ttlMs, context.memoryCapMs),
    staleMs: lifetime.graceMs === 0 ? 0 : lifetime.ttlMs + lifetime.graceMs,
    tags,
    tick: production.tick,
    vouchedUntilMs: entry.vouchedUntilMs ?? vouchedUntil(engine, production),
  })
}
