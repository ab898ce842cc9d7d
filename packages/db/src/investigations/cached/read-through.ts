import { CacheTimeoutError } from '../../errors/cached-errors.ts'
import type { Investigation } from '../investigation.ts'
import type { LoadedInvestigation } from './investigation-cache-port.ts'
import type { ResolvedCachedInvestigationsOptions } from './cached-investigations-options.ts'

/** Where a row came from: `loaded` by this very read, or `kept` by the cache (or loaded for somebody who asked earlier). */
export type CacheRead =
  /** `failure` is what the cache did after it had the row: nobody need wait for that. */
  | { readonly source: 'loaded'; readonly row: Investigation | undefined; readonly failure: unknown }
  | { readonly source: 'kept'; readonly row: unknown }
  /** The cache did not do its part, and did not load either. */
  | { readonly source: 'failed'; readonly failure: unknown }

/** Asks the cache, within its time. Rejects only with what `load` rejects with: the database's own failures. */
export async function readThrough(
  parts: Pick<ResolvedCachedInvestigationsOptions, 'cache' | 'cacheTimeoutMs' | 'clock'>,
  id: string,
  load: () => Promise<LoadedInvestigation>,
): Promise<CacheRead> {
  const patience = new Patience(parts)
  let loading: Promise<LoadedInvestigation> | undefined
  const ask = async (): Promise<unknown> =>
    parts.cache.getOrLoad(id, () => {
      patience.pause()
      loading ??= load().finally(() => patience.resume())
      return loading
    })
  try {
    const row = await Promise.race([ask(), patience.exhausted])
    return loading === undefined ? { source: 'kept', row } : { source: 'loaded', row: (await loading).row, failure: undefined }
  } catch (failure) {
    if (loading === undefined) return { source: 'failed', failure }
    return { source: 'loaded', row: (await loading).row, failure }
  } finally {
    patience.end()
  }
}

/** Rejects `exhausted` after so much waiting for the cache; loading does not count. */
class Patience {
  readonly exhausted: Promise<never>
  readonly #reject: (error: Error) => void
  readonly #parts: Pick<ResolvedCachedInvestigationsOptions, 'cacheTimeoutMs' | 'clock'>
  #timer: { cancel(): void } | undefined
  #ended = false

  constructor(parts: Pick<ResolvedCachedInvestigationsOptions, 'cacheTimeoutMs' | 'clock'>) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.exhausted = promise
    this.#reject = reject
    this.#parts = parts
    this.resume()
  }

  pause(): void {
    this.#timer?.cancel()
  }

  resume(): void {
    if (this.#ended) return
    const { clock, cacheTimeoutMs } = this.#parts
    this.#timer = clock.schedule(cacheTimeoutMs, () => this.#reject(new CacheTimeoutError('read', cacheTimeoutMs)), { keepAlive: true })
  }

  end(): void {
    this.#ended = true
    this.#timer?.cancel()
  }
}
