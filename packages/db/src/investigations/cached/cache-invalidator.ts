import type { TypedEvents } from '@cidadao/contracts'
import { CacheTimeoutError } from '../../errors/cached-errors.ts'
import type { CachedInvestigationsEvents } from './cached-investigations-events.ts'
import type { ResolvedCachedInvestigationsOptions } from './cached-investigations-options.ts'

interface Batch {
  readonly ids: Set<string>
  readonly done: Promise<void>
}

/** Deletes from the cache what has changed: ids that come together go together. Never rejects; a failure is told. */
export class CacheInvalidator {
  readonly #options: ResolvedCachedInvestigationsOptions
  readonly #events: TypedEvents<CachedInvestigationsEvents>
  readonly #running = new Set<Promise<void>>()
  #open: Batch | undefined

  constructor(options: ResolvedCachedInvestigationsOptions, events: TypedEvents<CachedInvestigationsEvents>) {
    this.#options = options
    this.#events = events
  }

  add(id: string): Promise<void> {
    const batch = (this.#open ??= this.#begin())
    batch.ids.add(id)
    return batch.done
  }

  /** Resolves when nothing that was added before is under way any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
  }

  #begin(): Batch {
    const ids = new Set<string>()
    const done = Promise.resolve().then(() => this.#close(ids))
    this.#running.add(done)
    void done.finally(() => this.#running.delete(done))
    return { ids, done }
  }

  /** What is added from here on is a batch of its own: a delete under way may have come too early for it. */
  #close(ids: ReadonlySet<string>): Promise<void> {
    this.#open = undefined
    return this.#delete([...ids])
  }

  async #delete(ids: readonly string[]): Promise<void> {
    const { cache, cacheTimeoutMs, clock } = this.#options
    const late = Promise.withResolvers<never>()
    const timer = clock.schedule(cacheTimeoutMs, () => late.reject(new CacheTimeoutError('delete', cacheTimeoutMs)), { keepAlive: true })
    try {
      await Promise.race([cache.delete(ids), late.promise])
    } catch (error) {
      this.#events.emit('cache-failed', { operation: 'delete', code: codeOf(error) })
    } finally {
      timer.cancel()
    }
  }
}

/** The code of the cache's own error; it belongs to another package, so only that much is known of it. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
}
