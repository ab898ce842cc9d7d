import type { CheckStatus, HealthStatus } from './health-check.ts'

/** Events of the health registry. */
export interface HealthEvents {
  /** A check ran, or was found still running after its timeout. */
  readonly sampled: {
    readonly check: string
    /** What this run said. */
    readonly status: CheckStatus
    /** What is reported after it. */
    readonly reported: CheckStatus
    readonly durationMs: number
  }
  /** The reported status of a check changed. */
  readonly changed: { readonly check: string; readonly from: HealthStatus; readonly to: HealthStatus; readonly code: string | null }
}
