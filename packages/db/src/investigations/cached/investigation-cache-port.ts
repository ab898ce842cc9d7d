import type { Investigation } from '../investigation.ts'

/** What was read from the database, and for how long it may be kept; 0 keeps it not at all. */
export interface LoadedInvestigation {
  readonly row: Investigation | undefined
  readonly ttlMs: number
}

/**
 * All that cached investigations need of a cache. It may lose rows at any time, and may fail or hang: both are noticed.
 * Rows come back as they were given, instants included.
 */
export interface InvestigationCachePort {
  /**
   * The row that is kept, or else that of `load`. A row whose load was under way while `delete` was called for its id,
   * by whichever process shares the cache, must not be kept. What a cache without such a fence keeps nevertheless is
   * told by its version, but only in the process that wrote.
   */
  getOrLoad(id: string, load: () => Promise<LoadedInvestigation>): Promise<Investigation | undefined>
  /** Resolves once none of the rows is served any more to this process. */
  delete(ids: readonly string[]): Promise<void>
}
