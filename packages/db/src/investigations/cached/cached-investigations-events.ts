/** What cached investigations tell. Never ids. */
export interface CachedInvestigationsEvents {
  /** The cache failed or took too long. Reads went on without it; after a failed `delete` it may serve what is older. */
  readonly 'cache-failed': { readonly operation: CachedOperation; readonly code: string }
  /** The cache had a row that is older than what this process stored, or none that can be read; it was not used, and is deleted. */
  readonly 'cached-row-refused': { readonly reason: CachedRowFault }
}

export const CACHED_OPERATIONS = ['read', 'delete'] as const
export type CachedOperation = (typeof CACHED_OPERATIONS)[number]

export const CACHED_ROW_FAULTS = ['older', 'unreadable'] as const
export type CachedRowFault = (typeof CACHED_ROW_FAULTS)[number]
