import type { Clock } from '@cidadao/contracts'
import { EngineOptionsError } from '../errors.ts'
import type { RunStore } from './run-store.ts'
import type { StepMemory, StepRunner } from './step-runner.ts'

export interface InlineEngineSettings {
  /** Runs carried out at the same time. @default 4 */
  readonly maxRunning?: number
  /** Runs that may wait for their turn; more are refused. @default 1_000 */
  readonly maxWaiting?: number
  /** Failures in a row, without a step ended between them, after which this process gives a run up; an outage of the store is none. @default 5 */
  readonly maxStalls?: number
  /** Longest time of one run in this process's hands, from its turn on, in milliseconds. @default 1_800_000 */
  readonly runTimeoutMs?: number
  /** First pause before a stalled run is taken up again, in milliseconds; it doubles. @default 250 */
  readonly firstRetryMs?: number
  /** Longest such pause, in milliseconds. @default 10_000 */
  readonly longestRetryMs?: number
}

export interface InlineEngineOptions extends InlineEngineSettings {
  readonly store: RunStore
  readonly runner: StepRunner
  readonly memory: StepMemory
  readonly clock: Clock
}

export type ResolvedEngineOptions = Readonly<Required<InlineEngineOptions>>

const DEFAULTS: Required<InlineEngineSettings> = {
  maxRunning: 4,
  maxWaiting: 1_000,
  maxStalls: 5,
  runTimeoutMs: 1_800_000,
  firstRetryMs: 250,
  longestRetryMs: 10_000,
}

const LOWEST: Readonly<Record<keyof InlineEngineSettings, number>> = {
  maxRunning: 1,
  maxWaiting: 0,
  maxStalls: 0,
  runTimeoutMs: 1,
  firstRetryMs: 1,
  longestRetryMs: 1,
}

/** Completes, validates and freezes. @throws EngineOptionsError */
export function resolveEngineOptions(options: InlineEngineOptions): ResolvedEngineOptions {
  const resolved = { ...DEFAULTS, ...options }
  for (const [field, lowest] of Object.entries(LOWEST)) {
    const value = resolved[field as keyof InlineEngineSettings]
    if (Number.isSafeInteger(value) && value >= lowest) continue
    throw new EngineOptionsError(`engine option ${field} must be a whole number of at least ${lowest}, got ${value}`, {
      facts: { field, lowest },
    })
  }
  return Object.freeze(resolved)
}
