import { silentLogger, systemClock, type Clock, type EventSource, type Logger } from '@cidadao/contracts'
import { InvalidOptionsError } from '../errors/database-error.ts'
import type { DatabaseEvents } from '../events.ts'
import { requireInteger } from '../option-checks.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import type { DeliverOutbox } from './outbox-message.ts'

/** What a relay needs of the database. */
export interface OutboxDatabase {
  readonly sql: SqlExecutor
  readonly events: EventSource<DatabaseEvents>
  transaction<T>(work: (tx: { readonly sql: SqlExecutor }) => Promise<T>): Promise<T>
}

export interface OutboxRelayOptions {
  readonly db: OutboxDatabase
  readonly deliver: DeliverOutbox
  /** Pause between looks when there is nothing to do, in milliseconds; what this process commits is seen at once. @default 1_000 */
  readonly pollIntervalMs?: number
  /** Most messages handed to `deliver` at once. @default 500 */
  readonly batchSize?: number
  /** Longest wait for `deliver`, in milliseconds. A transaction stays open for as long. @default 10_000 */
  readonly deliverTimeoutMs?: number
  /** First pause after a failure, in milliseconds; later ones double, with jitter. @default 200 */
  readonly initialBackoffMs?: number
  /** Longest pause after a failure, in milliseconds. @default 30_000 */
  readonly maxBackoffMs?: number
  /** Failures in a row after which messages are delivered one by one, to find the one that spoils the batch. @default 3 */
  readonly isolateAfter?: number
  /** How long delivered rows are kept, in milliseconds. @default 3_600_000 */
  readonly retentionMs?: number
  /** How long refused rows are kept, in milliseconds. @default 30 days */
  readonly refusedRetentionMs?: number
  /** Pause between clean-ups, in milliseconds. @default 60_000 */
  readonly sweepIntervalMs?: number
  /** Transactions open for longer are told of, in milliseconds. @default 60_000 */
  readonly longTransactionMs?: number
  /** Longest wait for a running delivery when stopping, in milliseconds; then it is aborted. @default 5_000 */
  readonly stopTimeoutMs?: number
  /** @default silent */
  readonly logger?: Logger
  /** @default the system's */
  readonly clock?: Clock
  /** Where the jitter comes from: from 0 inclusive to 1 exclusive. @default Math.random */
  readonly random?: () => number
}

export type ResolvedOutboxRelayOptions = Readonly<Required<OutboxRelayOptions>>

const DAY_MS = 86_400_000

const DEFAULTS: Required<Omit<OutboxRelayOptions, 'db' | 'deliver'>> = {
  pollIntervalMs: 1_000,
  batchSize: 500,
  deliverTimeoutMs: 10_000,
  initialBackoffMs: 200,
  maxBackoffMs: 30_000,
  isolateAfter: 3,
  retentionMs: 3_600_000,
  refusedRetentionMs: 30 * DAY_MS,
  sweepIntervalMs: 60_000,
  longTransactionMs: 60_000,
  stopTimeoutMs: 5_000,
  logger: silentLogger,
  clock: systemClock,
  random: Math.random,
}

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveOutboxRelayOptions(options: OutboxRelayOptions): ResolvedOutboxRelayOptions {
  const resolved = { ...DEFAULTS, ...options }
  requireInteger('pollIntervalMs', resolved.pollIntervalMs, { min: 1 })
  requireInteger('batchSize', resolved.batchSize, { min: 1, max: 10_000 })
  requireInteger('deliverTimeoutMs', resolved.deliverTimeoutMs, { min: 1, max: 60_000 })
  requireInteger('initialBackoffMs', resolved.initialBackoffMs, { min: 1 })
  requireInteger('maxBackoffMs', resolved.maxBackoffMs, { min: resolved.initialBackoffMs })
  requireInteger('isolateAfter', resolved.isolateAfter, { min: 1 })
  requireInteger('retentionMs', resolved.retentionMs, { min: 0 })
  requireInteger('refusedRetentionMs', resolved.refusedRetentionMs, { min: 0 })
  requireInteger('sweepIntervalMs', resolved.sweepIntervalMs, { min: 1 })
  requireInteger('longTransactionMs', resolved.longTransactionMs, { min: 0 })
  requireInteger('stopTimeoutMs', resolved.stopTimeoutMs, { min: 0 })
  if (typeof resolved.deliver !== 'function') throw new InvalidOptionsError('deliver', 'must be a function', typeof resolved.deliver)
  return Object.freeze(resolved)
}
