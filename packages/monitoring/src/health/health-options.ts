import { silentLogger, systemClock, type Clock, type Logger } from '@cidadao/contracts'
import { MonitoringOptionsError } from '../errors.ts'

export interface HealthRegistryOptions {
  /** @default systemClock */
  readonly clock?: Clock
  /** Gets what the reports must not show. @default silentLogger */
  readonly logger?: Logger
  /** Pause between two runs of a check, in milliseconds. @default 5_000 */
  readonly intervalMs?: number
  /** How much of the pause is random, so that processes do not probe in step; 0 to 1. @default 0.1 */
  readonly jitterRatio?: number
  /** Failures in a row until a check is reported as failed. @default 3 */
  readonly downAfter?: number
  /** Successes in a row until a failed check is reported as well. @default 2 */
  readonly upAfter?: number
  /** Pauses after which a sample is too old to count, beyond the check's timeout. @default 3 */
  readonly staleAfterIntervals?: number
  /** Longest silence of the registry's own loop before `livez` fails, in milliseconds. @default 30_000 */
  readonly livenessSilenceMs?: number
  /** Longest wait in `stop()` for checks that ignore their signal, in milliseconds. @default 1_000 */
  readonly stopGraceMs?: number
  /** Checks that must have worked once, all at the same time, before the start counts as done. @default [] */
  readonly startup?: readonly string[]
  /** Checks without which no work is taken. @default [] */
  readonly readiness?: readonly string[]
  /** Source of jitter, 0 ≤ x < 1. @default Math.random */
  readonly random?: () => number
}

const DEFAULTS: Required<HealthRegistryOptions> = {
  clock: systemClock,
  logger: silentLogger,
  intervalMs: 5_000,
  jitterRatio: 0.1,
  downAfter: 3,
  upAfter: 2,
  staleAfterIntervals: 3,
  livenessSilenceMs: 30_000,
  stopGraceMs: 1_000,
  startup: [],
  readiness: [],
  random: Math.random,
}

export function resolveHealthOptions(options: HealthRegistryOptions): Required<HealthRegistryOptions> {
  const resolved = { ...DEFAULTS, ...options }
  const { intervalMs, jitterRatio, downAfter, upAfter, staleAfterIntervals, livenessSilenceMs, stopGraceMs } = resolved
  check('intervalMs', intervalMs, 'must be a positive number of milliseconds', Number.isFinite(intervalMs) && intervalMs > 0)
  check('jitterRatio', jitterRatio, 'must be from 0 to 1', jitterRatio >= 0 && jitterRatio <= 1)
  check('downAfter', downAfter, 'must be a positive integer', Number.isSafeInteger(downAfter) && downAfter > 0)
  check('upAfter', upAfter, 'must be a positive integer', Number.isSafeInteger(upAfter) && upAfter > 0)
  check('staleAfterIntervals', staleAfterIntervals, 'must be at least 2', staleAfterIntervals >= 2)
  check('livenessSilenceMs', livenessSilenceMs, `must be at least twice intervalMs (${intervalMs})`, livenessSilenceMs >= 2 * intervalMs)
  check('stopGraceMs', stopGraceMs, 'must not be negative', stopGraceMs >= 0)
  return Object.freeze(resolved)
}

function check(field: string, value: number, rule: string, holds: boolean): void {
  if (!holds) throw new MonitoringOptionsError(`health ${field} ${rule}; got ${value}`, { facts: { field, value } })
}
