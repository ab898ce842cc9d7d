import { toError, type Clock, type TypedEvents } from '@cidadao/contracts'
import type { NamespaceClock } from '../consistency/namespace-clock.ts'
import type { PendingInvalidations, RequestedInvalidation } from '../consistency/invalidation-message.ts'
import type { Sessions } from '../consistency/session.ts'
import type { CacheEvents } from '../events.ts'
import type { TierKey } from '../key.ts'
import type { Policy } from '../policy.ts'
import type { GuardedTier } from '../tiers/guarded-tier.ts'
import type { EntryFormat } from '../values/entry-format.ts'
import { Flights } from '../concurrency/flights.ts'
import { KeyedQueue } from '../concurrency/keyed-queue.ts'
import { SharedRuns } from '../concurrency/shared-runs.ts'
import type { LocalEntries, LocalIndex } from './local-entries.ts'
import { LeaseTokens } from './lease.ts'
import { LocalFence } from '../concurrency/local-fence.ts'
import type { TierReading } from './read-tiers.ts'
import type { Refreshing } from './refreshing.ts'
import type { NamespaceCounters } from './stats.ts'

/** What the namespaces of one cache share. Time and chance come from outside, so that a simulator can own both. */
export class Engine {
  readonly clock: Clock
  readonly random: () => number
  readonly leaseTokens: LeaseTokens
  /** How long memory believes an entry without the shared clock's word, from the beginning of its production. */
  readonly verifyWithinMs: number
  readonly events: TypedEvents<CacheEvents>
  readonly local: LocalEntries
  readonly fence: LocalFence = new LocalFence()
  /** Factory runs. */
  readonly flights: Flights
  /** Reads of shared tiers that may end in this process' memory. */
  readonly reads: SharedRuns<TierReading>
  /** Outlives this process; `undefined` where there is none. */
  readonly pendingInvalidations: PendingInvalidations | undefined
  /** What callers have written and expect to read back. */
  readonly sessions: Sessions
  /** Writes and deletes of one key happen in the order they were asked for. */
  readonly mutations: KeyedQueue = new KeyedQueue()

  readonly #background = new Set<Promise<unknown>>()

  constructor(
    parts: Pick<Engine, 'clock' | 'random' | 'events' | 'local' | 'sessions' | 'verifyWithinMs'> & {
      readonly newToken: () => string
      readonly pendingInvalidations?: PendingInvalidations
    },
  ) {
    const nowMs = (): number => parts.clock.monotonicMs()
    this.flights = new Flights(nowMs)
    this.reads = new SharedRuns(nowMs)
    this.sessions = parts.sessions
    this.pendingInvalidations = parts.pendingInvalidations
    this.leaseTokens = new LeaseTokens(parts.newToken)
    this.verifyWithinMs = parts.verifyWithinMs
    this.clock = parts.clock
    this.random = parts.random
    this.events = parts.events
    this.local = parts.local
  }

  /** What is under way for the key may finish for its callers, but is not joined and not stored any more. */
  supersede(key: TierKey): void {
    this.fence.invalidate(key)
    this.flights.detach(key)
    this.reads.detach(key)
  }

  supersedeNamespace(namespace: string): void {
    this.fence.invalidateNamespace(namespace)
    this.flights.detachNamespace(namespace)
    this.reads.detachNamespace(namespace)
  }

  /** Takes on work that no caller waits for, and that does not reject: sweeping after a clear, giving a lease back. */
  inBackground(work: Promise<unknown>): void {
    const ended = work.finally(() => this.#background.delete(ended))
    this.#background.add(ended)
  }

  /** Has an invalidation that could not reach a tier carried out later, also if this process does not live that long. */
  deferInvalidation(invalidation: RequestedInvalidation): void {
    const { pendingInvalidations: store } = this
    if (store === undefined) return
    const onError = (thrown: unknown): void =>
      this.events.emit('error', { operation: 'invalidate', error: toError(thrown), namespace: invalidation.namespace })
    this.inBackground(store.add(invalidation).catch(onError))
  }

  async idle(): Promise<void> {
    await this.flights.idle()
    await this.reads.idle()
    await this.mutations.idle()
    while (this.#background.size > 0) await Promise.all(this.#background)
  }
}

/** What the reading and writing of one namespace needs to know. */
export interface NamespaceContext {
  readonly policy: Policy
  readonly prefix: string
  /** Shared tiers, nearest first. */
  readonly tiers: readonly GuardedTier[]
  /** Longest stay in memory; `undefined` where the policy does without it. */
  readonly memoryCapMs: number | undefined
  readonly format: EntryFormat
  /** The order of the namespace's invalidations, as this process knows it. */
  readonly clock: NamespaceClock
  /** Whether tags can be kept: by a tier's clock, or because memory is all there is. */
  readonly servesTags: boolean
  /** What memory has of the namespace. */
  readonly local: LocalIndex
  readonly counters: NamespaceCounters
  readonly refreshing: Refreshing
  /** Whether anything is to be done on some hits: a check, a refresh. */
  readonly watchesHits: boolean
}

/** How long one value lives; already jittered. */
export interface Lifetime {
  readonly ttlMs: number
  readonly graceMs: number
}
