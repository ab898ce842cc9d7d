import type { ErasureBasis } from './investigations/erasure/erasure-basis.ts'
import type { InvestigationStatus } from './investigations/investigation-status.ts'

/** What the database package tells. Payloads carry durations in milliseconds and never SQL, values or secrets. */
export interface DatabaseEvents {
  /** A statement ended, whoever sent it: repository, port, Prisma or a transaction's own BEGIN. */
  readonly query: QueryEvent
  /** A connection was handed out, after `waitMs` in the queue. */
  readonly acquire: { readonly waitMs: number }
  /** A connection came back after `useMs` in use. */
  readonly release: { readonly useMs: number }
  /** Nobody handed back a connection in time. */
  readonly 'pool-timeout': { readonly waitMs: number; readonly waiting: number }
  /** A new connection was opened. */
  readonly connect: { readonly total: number }
  /** A connection was closed: idle, too old, or broken. */
  readonly remove: { readonly total: number }
  /** A connection broke, idle or in use; the pool replaces it when one is needed. */
  readonly 'connection-lost': { readonly code: string }
  /** A transient failure is about to be retried. */
  readonly retry: { readonly attempt: number; readonly delayMs: number; readonly code: string }
  /** The circuit breaker changed state. */
  readonly breaker: { readonly state: BreakerState }
  /** More connections are planned than the server has for us. */
  readonly 'connection-budget': { readonly planned: number; readonly available: number; readonly processes: number }
  /** Migrations were applied, or there was nothing to apply. */
  readonly migrated: { readonly applied: number; readonly durationMs: number }
  /** Entries of the audit log were committed with the change they tell of. */
  readonly audited: { readonly entries: number }
  /** Invalidations of the cache were committed to the outbox: a relay in this process need not wait for its next look. */
  readonly 'outbox-written': { readonly rows: number }
  /** A save was committed. */
  readonly saved: { readonly investigationId: string; readonly version: number; readonly status: InvestigationStatus }
  /** A save that changed the status was committed; `from` is null for a new investigation. */
  readonly transition: TransitionEvent
  /** The removal of an investigation was committed. */
  readonly erased: { readonly investigationId: string; readonly basis: ErasureBasis }
}

export interface QueryEvent {
  /** The prepared statement's name where it has one, else the SQL verb in lower case: a bounded set. */
  readonly operation: string
  readonly durationMs: number
  readonly outcome: 'ok' | 'failed'
  /** This package's stable error code; null when the statement succeeded. */
  readonly code: string | null
}

export interface TransitionEvent {
  readonly investigationId: string
  readonly from: InvestigationStatus | null
  readonly to: InvestigationStatus
  readonly attempt: number
}

export const BREAKER_STATES = ['closed', 'open', 'half-open'] as const
export type BreakerState = (typeof BREAKER_STATES)[number]
