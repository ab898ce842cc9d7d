import type { JsonValue } from '@cidadao/contracts'

/** What the health routes read: snapshots only, so that a probe cannot hang and opens no connection. */
export interface HealthView {
  livez(): ProbeResult
  readyz(): ProbeResult
  report(options: { readonly details: 'none' | 'full' }): { readonly httpStatus: number; readonly body: unknown }
}

export interface ProbeResult {
  readonly httpStatus: number
  readonly body: unknown
}

/** The exposition for Prometheus. */
export interface MetricsView {
  expose(accept?: string): Promise<{ readonly contentType: string; readonly body: string }>
}

/** An investigation as the API shows it. */
export interface InvestigationView {
  readonly id: string
  readonly query: string
  readonly status: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly completedAt: string | null
  readonly error: string | null
  readonly anomaliesFound: number
  readonly processingTimeMs: number
  readonly steps?: readonly StepView[]
  readonly results?: JsonValue
}

export interface StepView {
  readonly id: string
  readonly agent: string
  readonly status: string
  readonly attempt: number
  readonly error: JsonValue
}
