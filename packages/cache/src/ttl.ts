import { CacheTtlError } from './errors.ts'

/** Ten years. What must live longer is not a cache entry. */
export const MAX_TTL_MS: number = 3_652 * 24 * 3_600_000

/** A time to live: finite, at least 1 ms, at most ten years; fractions are rounded up. @throws {CacheTtlError} */
export function checkedTtl(field: string, ttlMs: number): number {
  if (typeof ttlMs === 'number' && ttlMs > 0 && ttlMs <= MAX_TTL_MS) return Math.ceil(ttlMs)
  throw new CacheTtlError(`${field} must be a finite number of milliseconds from 1 to ${MAX_TTL_MS}, got ${describe(ttlMs)}`, {
    facts: { field, value: describe(ttlMs) },
  })
}

/** A time after the time to live: like one, but may be 0. @throws {CacheTtlError} */
export function checkedGrace(field: string, graceMs: number): number {
  return graceMs === 0 ? 0 : checkedTtl(field, graceMs)
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a ${typeof value}`
}
