import { silentLogger, systemClock, type Clock, type Logger } from '@cidadao/contracts'
import { requireInteger } from '../option-checks.ts'
import type { MetricStore } from './metric-store.ts'

export interface MetricRecorderOptions {
  /** Where the samples go: `db.metrics`, or whatever stores all of them or none. */
  readonly store: Pick<MetricStore, 'record'>
  /** Longest time that a sample waits for others before it is written, in milliseconds. @default 10_000 */
  readonly flushIntervalMs?: number
  /** Samples of one write, 1 to 5,000; when as many are waiting they are written at once. @default 500 */
  readonly batchSize?: number
  /** Most samples held, those being written included; beyond it the oldest give way. @default 10_000 */
  readonly maxBuffered?: number
  /** Longest wait for the rest to be written when stopping, in milliseconds. @default 5_000 */
  readonly stopTimeoutMs?: number
  /** @default silent */
  readonly logger?: Logger
  /** @default the system's */
  readonly clock?: Clock
}

export type ResolvedMetricRecorderOptions = Readonly<Required<MetricRecorderOptions>>

const DEFAULTS: Required<Omit<MetricRecorderOptions, 'store'>> = {
  flushIntervalMs: 10_000,
  batchSize: 500,
  maxBuffered: 10_000,
  stopTimeoutMs: 5_000,
  logger: silentLogger,
  clock: systemClock,
}

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveMetricRecorderOptions(options: MetricRecorderOptions): ResolvedMetricRecorderOptions {
  const resolved = { ...DEFAULTS, ...options }
  requireInteger('flushIntervalMs', resolved.flushIntervalMs, { min: 1 })
  requireInteger('batchSize', resolved.batchSize, { min: 1, max: 5_000 })
  requireInteger('maxBuffered', resolved.maxBuffered, { min: resolved.batchSize, max: 1_000_000 })
  requireInteger('stopTimeoutMs', resolved.stopTimeoutMs, { min: 1 })
  return Object.freeze(resolved)
}
