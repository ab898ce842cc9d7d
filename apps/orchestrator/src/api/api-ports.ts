import type { JsonObject, JsonValue } from '@cidadao/contracts'
import type { InvestigationStatus, OwnerScope } from '@cidadao/db'

/**
 * What the routes need of the orchestrator. Whatever takes a scope throws `InvestigationNotFoundError` for what lies
 * outside of it, just as for what does not exist.
 */
export interface InvestigationApi {
  submit(request: Submission): Promise<InvestigationView>
  get(id: string, scope: OwnerScope): Promise<InvestigationView>
  list(filter: ListFilter): Promise<InvestigationPage>
  cancel(id: string, scope: OwnerScope): Promise<InvestigationView>
  events(id: string, scope: OwnerScope, range: EventRange): Promise<EventPageView>
  /** Tells of investigations about which there is something new, as far as this process knows. Returns how to stop. */
  onChange(listener: (id: string) => void): () => void
  auditProofs(id: string, scope: OwnerScope, range: EventRange): Promise<AuditPageView>
  verifyAudit(id: string, scope: OwnerScope): Promise<AuditVerdictView>
}

export interface Submission {
  readonly query: string
  readonly source: string
  readonly owner: string | null
  /** Made up by the caller: the same one with the same request submits once. */
  readonly idempotencyKey?: string
}

export interface ListFilter extends OwnerScope {
  readonly status?: InvestigationStatus
  readonly limit: number
  readonly after?: string
}

export interface InvestigationPage {
  readonly items: readonly InvestigationView[]
  /** Give it back as `after` to go on; null on the last page. */
  readonly next: string | null
}

export interface EventRange {
  readonly after: number
  readonly limit: number
}

export interface EventView {
  readonly seq: number
  readonly type: string
  readonly at: string
  readonly data: JsonObject
}

export interface EventPageView {
  readonly items: readonly EventView[]
  /** Number to go on after. */
  readonly next: number
  /** Whether the investigation has ended and these are the last. */
  readonly ended: boolean
}

export interface AuditPageView {
  readonly origin: string
  readonly vkeys: readonly string[]
  readonly entries: readonly AuditEntryView[]
  readonly next: number | null
}

export interface AuditEntryView {
  readonly seq: number
  readonly id: string
  readonly ts: string
  readonly action: string
  /** Null while no signed checkpoint covers the entry. */
  readonly proof: string | null
}

export interface AuditVerdictView {
  readonly outcome: 'verified' | 'unsigned' | 'refused'
  readonly entries: number
  readonly verified: number
  readonly unsigned: number
  readonly refused: readonly { readonly seq: number; readonly reason: string }[]
}

/** What the health routes read: snapshots only, so that a probe cannot hang and opens no connection. */
export interface HealthView {
  livez(): ProbeResult
  startupz(): ProbeResult
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
  /** Whose it is; null: nobody's, as from the command line. */
  readonly owner: string | null
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
