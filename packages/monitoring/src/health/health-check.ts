import { HealthContributorError } from '../errors.ts'

/** What one run of a check may say. */
export const CHECK_STATUSES = ['pass', 'warn', 'fail'] as const
export type CheckStatus = (typeof CHECK_STATUSES)[number]

/** What is reported: `unknown` is a check that has not run yet, or not for too long. Worst last. */
export const HEALTH_STATUSES = ['pass', 'unknown', 'warn', 'fail'] as const
export type HealthStatus = (typeof HEALTH_STATUSES)[number]

export interface HealthObservation {
  readonly status: CheckStatus
  /** A number, or a single word such as a mode. Words with dots, spaces or addresses are not shown. */
  readonly observedValue?: number | string
  /** `ms`, `connections`, `bytes`, … */
  readonly observedUnit?: string
  /** Stable upper-case code of what is wrong; shown to those who may see details. */
  readonly code?: string
  /** What happened, in words. Goes to the log only. */
  readonly detail?: string
  /** Parts of the subject, such as the nodes of a cluster. They worsen the parent by the same rules as checks the whole. */
  readonly children?: readonly HealthPart[]
}

export interface HealthPart extends HealthObservation {
  /** Lower case, digits and dashes. Not a host name. */
  readonly name: string
  /** Whether its failure is one of the parent, or only worth a warning. @default true */
  readonly critical?: boolean
}

/** Something whose health is worth knowing. */
export interface HealthContributor {
  /** Lower case, digits and dashes; unique in the registry. */
  readonly name: string
  /** Whether the whole fails with it. */
  readonly critical: boolean
  /** Longest run, in milliseconds. After it the sample is a failure, even if the check ignores its signal. */
  readonly timeoutMs: number
  /** Pause between runs, in milliseconds. @default the registry's */
  readonly intervalMs?: number
  /** Failures in a row until it is reported. @default the registry's */
  readonly downAfter?: number
  /** Successes in a row until a failed one is reported as well again. @default the registry's */
  readonly upAfter?: number
  /** Looks, by a real use where it can, and stops when the signal aborts. A rejection is a failure. */
  check(signal: AbortSignal): Promise<HealthObservation> | HealthObservation
}

export interface ResolvedContributor extends HealthContributor {
  readonly intervalMs: number
  readonly downAfter: number
  readonly upAfter: number
}

const CHECK_NAME = /^[a-z][a-z0-9-]*$/

/** Completes and checks a contributor. */
export function resolveContributor(
  contributor: HealthContributor,
  defaults: { readonly intervalMs: number; readonly downAfter: number; readonly upAfter: number },
): ResolvedContributor {
  const { name, critical, timeoutMs } = contributor
  const { intervalMs = defaults.intervalMs, downAfter = defaults.downAfter, upAfter = defaults.upAfter } = contributor
  if (!CHECK_NAME.test(name)) throw invalid(name, 'name must be lower case, digits and dashes', name)
  for (const [field, value] of Object.entries({ timeoutMs, intervalMs })) {
    if (!Number.isFinite(value) || value <= 0) throw invalid(name, `${field} must be a positive number of milliseconds`, value)
  }
  for (const [field, value] of Object.entries({ downAfter, upAfter })) {
    if (!Number.isSafeInteger(value) || value < 1) throw invalid(name, `${field} must be a positive integer`, value)
  }
  const check = (signal: AbortSignal): ReturnType<HealthContributor['check']> => contributor.check(signal)
  return Object.freeze({ name, critical, timeoutMs, intervalMs, downAfter, upAfter, check })
}

function invalid(name: string, rule: string, value: string | number): HealthContributorError {
  return new HealthContributorError(`health contributor ${name}: ${rule}; got ${JSON.stringify(value)}`, { facts: { check: name } })
}
