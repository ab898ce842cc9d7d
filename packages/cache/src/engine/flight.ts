import type { FlightControl } from '../concurrency/flights.ts'
import type { TierKey } from '../key.ts'
import type { Factory } from './factory-run.ts'
import type { HeldLease } from './lease.ts'
import type { PreparedValue } from './prepare.ts'
import type { Production } from './production.ts'
import type { TierReading } from './read-tiers.ts'

export interface ObtainRequest {
  readonly key: TierKey
  readonly factory: Factory<unknown>
  readonly signal: AbortSignal | undefined
  readonly ttlMs: number | undefined
  readonly graceMs: number | undefined
  readonly tags: readonly string[] | undefined
}

export type FlightRequest = ObtainRequest & { readonly control: FlightControl<PreparedValue>; readonly atLeast: number }

/** One reading of the tiers on behalf of everybody who waits, and what came of it. */
export interface Flight {
  readonly request: FlightRequest
  readonly reading: TierReading
  readonly production: Production
  readonly held: HeldLease | undefined
}
