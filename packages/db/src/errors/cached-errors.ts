import { DatabaseError } from './database-error.ts'

/** The cache in front of investigations did not answer in time; it was done without. Told by an event, thrown to nobody. */
export class CacheTimeoutError extends DatabaseError {
  readonly code = 'DB_CACHE_TIMEOUT'

  constructor(operation: string, timeoutMs: number) {
    super(`the cache did not end "${operation}" within ${timeoutMs} ms`, { facts: { operation, timeoutMs } })
  }
}
