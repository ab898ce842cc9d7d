import { requireInteger } from '../option-checks.ts'

export interface ResilienceOptions {
  /** Retries after the first attempt; 0 turns retrying off. @default 3 */
  readonly attempts?: number
  /** First pause, jittered, in milliseconds; later ones grow. @default 1_000 */
  readonly initialDelayMs?: number
  /** Longest pause, in milliseconds. @default 10_000 */
  readonly maxDelayMs?: number
  /** After this long no further attempt begins, in milliseconds. @default 30_000 */
  readonly maxElapsedMs?: number
  /** Failures to reach the server in a row that open the circuit. @default 5 */
  readonly breakAfter?: number
  /** How long the circuit stays open before a probe, in milliseconds. @default 10_000 */
  readonly breakForMs?: number
}

export type ResolvedResilienceOptions = Readonly<Required<ResilienceOptions>>

const DEFAULTS: Required<ResilienceOptions> = {
  attempts: 3,
  initialDelayMs: 1_000,
  maxDelayMs: 10_000,
  maxElapsedMs: 30_000,
  breakAfter: 5,
  breakForMs: 10_000,
}

/** Completes, validates and freezes. Throws `InvalidOptionsError`. */
export function resolveResilienceOptions(options: ResilienceOptions = {}): ResolvedResilienceOptions {
  const resolved = { ...DEFAULTS, ...options }
  requireInteger('resilience.attempts', resolved.attempts, { min: 0, max: 100 })
  requireInteger('resilience.initialDelayMs', resolved.initialDelayMs, { min: 1 })
  requireInteger('resilience.maxDelayMs', resolved.maxDelayMs, { min: resolved.initialDelayMs })
  requireInteger('resilience.maxElapsedMs', resolved.maxElapsedMs, { min: 1 })
  requireInteger('resilience.breakAfter', resolved.breakAfter, { min: 1, max: 1_000 })
  requireInteger('resilience.breakForMs', resolved.breakForMs, { min: 1 })
  return Object.freeze(resolved)
}
