import { HEALTH_STATUSES, type HealthStatus } from './health-check.ts'

export interface Contribution {
  readonly status: HealthStatus
  readonly critical: boolean
}

/** The worse one: fail, then warn, then unknown, then pass. */
export function worse(one: HealthStatus, other: HealthStatus): HealthStatus {
  return HEALTH_STATUSES.indexOf(one) >= HEALTH_STATUSES.indexOf(other) ? one : other
}

/** The status of a whole: its worst part, where the failure of a part that is not critical counts as a warning. */
export function aggregate(parts: readonly Contribution[]): HealthStatus {
  return parts.reduce<HealthStatus>(
    (status, part) => worse(status, part.status === 'fail' && !part.critical ? 'warn' : part.status),
    'pass',
  )
}
