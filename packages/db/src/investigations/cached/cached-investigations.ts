import { TypedEvents, type EventSource } from '@cidadao/contracts'
import type { SaveManyOptions } from '../bulk/save-many-options.ts'
import type { SaveManyReport } from '../bulk/save-outcome.ts'
import type { EraseOptions, Erasure } from '../erasure/erase.ts'
import type { RetentionOptions, RetentionReport } from '../erasure/retention.ts'
import { isInvestigationStatus, isTerminal } from '../investigation-status.ts'
import type { CancelOptions, SaveOptions } from '../investigation-store.ts'
import type { Investigation, InvestigationDraft } from '../investigation.ts'
import { requireOwner, type OwnerScope } from '../owner-scope.ts'
import type { FindOptions, InvestigationPage } from '../queries/find-query.ts'
import type { InvestigationStats, StatsOptions } from '../queries/stats-query.ts'
import { CacheInvalidator, codeOf } from './cache-invalidator.ts'
import type { CachedInvestigationsEvents, CachedRowFault } from './cached-investigations-events.ts'
import {
  resolveCachedInvestigationsOptions,
  type CachedInvestigationsOptions,
  type Investigations,
  type ResolvedCachedInvestigationsOptions,
} from './cached-investigations-options.ts'
import type { LoadedInvestigation } from './investigation-cache-port.ts'
import { readThrough } from './read-through.ts'
import { VersionFloor } from './version-floor.ts'

/**
 * Investigations whose reads by id go through a cache. All else goes to the store, and so does a read when the cache is
 * away: no failure of the cache changes what a method answers, it is told by an event.
 *
 * A write is out of the cache before it is answered. Writes in a transaction come past here; of these the database's
 * events tell after the commit, and from then on a read refuses what is older. Writes of other processes are the
 * business of the cache's fence and of the outbox.
 */
export class CachedInvestigations implements Investigations {
  readonly events: EventSource<CachedInvestigationsEvents>
  readonly #options: ResolvedCachedInvestigationsOptions
  readonly #events = new TypedEvents<CachedInvestigationsEvents>()
  readonly #floor: VersionFloor
  readonly #invalidator: CacheInvalidator
  readonly #unsubscribe: readonly (() => void)[]

  constructor(options: CachedInvestigationsOptions) {
    this.#options = resolveCachedInvestigationsOptions(options)
    this.events = this.#events
    this.#floor = new VersionFloor(this.#options.maxRemembered)
    this.#invalidator = new CacheInvalidator(this.#options, this.#events)
    this.#unsubscribe = [
      options.events.on('saved', ({ investigationId, version }) => this.#onSaved(investigationId, version)),
      options.events.on('erased', ({ investigationId }) => this.#onErased(investigationId)),
    ]
  }

  /** As the store's. Whoever asks, the whole row is cached; whether it is theirs is decided after that. */
  async get(id: string, scope: OwnerScope = {}): Promise<Investigation | undefined> {
    const owner = requireOwner(scope)
    const found = await this.#read(id)
    return found === undefined || (owner !== undefined && found.userId !== owner) ? undefined : found
  }

  async save(draft: InvestigationDraft, options?: SaveOptions): Promise<Investigation> {
    return this.#write([draft.id], () => this.#options.store.save(draft, options))
  }

  async saveMany(drafts: readonly InvestigationDraft[], options?: SaveManyOptions): Promise<SaveManyReport> {
    const report = await this.#write([], () => this.#options.store.saveMany(drafts, options))
    const doubtful = drafts.filter((_, index) => report.outcomes[index]?.outcome !== 'saved')
    await this.#forget(doubtful.map((draft) => (draft as InvestigationDraft | null)?.id))
    return report
  }

  async cancel(id: string, options?: CancelOptions): Promise<Investigation> {
    return this.#write([id], () => this.#options.store.cancel(id, options))
  }

  async erase(id: string, options: EraseOptions): Promise<Erasure> {
    return this.#write([id], () => this.#options.store.erase(id, options))
  }

  async eraseExpired(options: RetentionOptions): Promise<RetentionReport> {
    return this.#write([], () => this.#options.store.eraseExpired(options))
  }

  /** Lists are not cached. */
  find(options?: FindOptions): Promise<InvestigationPage> {
    return this.#options.store.find(options)
  }

  /** Statistics are not cached. */
  stats(options?: StatsOptions): Promise<InvestigationStats> {
    return this.#options.store.stats(options)
  }

  /** Listens no longer, and waits until what was to be deleted from the cache is. */
  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    await this.#invalidator.settle()
  }

  async #read(id: string): Promise<Investigation | undefined> {
    const read = await readThrough(this.#options, id, () => this.#load(id))
    if (read.source !== 'kept' && read.failure !== undefined) {
      this.#events.emit('cache-failed', { operation: 'read', code: codeOf(read.failure) })
    }
    if (read.source === 'loaded') return read.row
    if (read.source === 'failed') return this.#options.store.get(id)
    // Absence is not kept; what says so is an earlier load for somebody else, and may have been overtaken by a save.
    if (read.row === undefined) return this.#options.store.get(id)
    if (!isInvestigation(read.row, id)) return this.#refuse(id, 'unreadable')
    return this.#floor.isBelow(id, read.row.version) ? this.#refuse(id, 'older') : read.row
  }

  async #refuse(id: string, reason: CachedRowFault): Promise<Investigation | undefined> {
    this.#events.emit('cached-row-refused', { reason })
    await this.#invalidator.add(id)
    return this.#options.store.get(id)
  }

  async #load(id: string): Promise<LoadedInvestigation> {
    const row = await this.#options.store.get(id)
    return { row, ttlMs: row === undefined || this.#floor.isBelow(id, row.version) ? 0 : this.#ttlOf(row) }
  }

  #ttlOf({ status }: Investigation): number {
    return isTerminal(status) ? this.#options.endedTtlMs : this.#options.openTtlMs
  }

  /** A refusal forgets too: the caller may have been misled by an older row, and is told to read again. */
  async #write<T>(ids: readonly (string | undefined)[], work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      await this.#forget(ids)
      throw error
    } finally {
      await this.#invalidator.settle()
    }
  }

  async #forget(ids: readonly (string | undefined)[]): Promise<void> {
    const known = ids.filter((id) => typeof id === 'string')
    await Promise.all(known.map((id) => this.#invalidator.add(id)))
  }

  #onSaved(id: string, version: number): void {
    // A new row is in no cache: absence is not kept.
    if (version === 1) {
      this.#floor.beginAnew(id)
      return
    }
    this.#floor.raise(id, version)
    void this.#invalidator.add(id)
  }

  #onErased(id: string): void {
    this.#floor.raiseAboveAll(id)
    void this.#invalidator.add(id)
  }
}

/** Enough to see that it is a row of this table and this version of the program; the cache checks the rest, where it has a schema. */
function isInvestigation(value: unknown, id: string): value is Investigation {
  if (typeof value !== 'object' || value === null) return false
  const { id: ownId, userId, version, status, createdAt, updatedAt } = value as Partial<Record<keyof Investigation, unknown>>
  return (
    ownId === id &&
    (userId === null || typeof userId === 'string') &&
    Number.isSafeInteger(version) &&
    isInvestigationStatus(status) &&
    createdAt instanceof Date &&
    updatedAt instanceof Date
  )
}

/** Investigations behind a cache. Throws `InvalidOptionsError`. */
export function createCachedInvestigations(options: CachedInvestigationsOptions): CachedInvestigations {
  return new CachedInvestigations(options)
}
