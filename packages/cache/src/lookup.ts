import type { CacheUnavailableError } from './errors.ts'

/** The answer of a read: absent, unknown and present are three things, and any value may be present, `undefined` included. */
export type Lookup<T> =
  | {
      readonly outcome: 'hit'
      /** Name of the tier that had it; the in-process one is `memory`. */
      readonly tier: string
      readonly value: T
      /** Since it was stored, in milliseconds. Measured by durations, never by comparing two machines' clocks. */
      readonly ageMs: number
      /** Past its time to live, within its grace; only where the caller allowed it. */
      readonly stale: boolean
    }
  /** Every tier that could have it answered that it has not. */
  | { readonly outcome: 'miss' }
  /** No tier that answered has it, and at least one could not be asked. */
  | { readonly outcome: 'unavailable'; readonly cause: CacheUnavailableError }

/**
 * How far a write got. `pending`: this process already acts on it, but the named tiers were not reachable. As soon
 * as they are, whatever older data they hold for the key is dropped before they are read again.
 */
export type WriteOutcome =
  { readonly outcome: 'done' } | { readonly outcome: 'pending'; readonly tiers: readonly string[]; readonly cause: CacheUnavailableError }

/** As {@link WriteOutcome}; `existed` tells whether any tier that answered had a value. */
export type DeleteOutcome = WriteOutcome & { readonly existed: boolean }
