import type { JsonValue } from '@cidadao/contracts'
import type { Investigation, Investigations, InvestigationStatus, RunStore, StepRecord } from '@cidadao/db'
import type { InvestigationView, StepView } from './api/api-ports.ts'
import type { InvestigationPage } from './api/investigation-routes.ts'
import { InvestigationNotFoundError } from './errors.ts'

/** What reading takes of the database. */
export interface ReadableDatabase {
  readonly investigations: Pick<Investigations, 'get' | 'find'>
  readonly runs: Pick<RunStore, 'listSteps'>
}

export interface InvestigationFilter {
  readonly status?: InvestigationStatus
  readonly limit: number
  readonly after?: string
}

/** One investigation with its steps and results. @throws InvestigationNotFoundError */
export async function readInvestigation(db: ReadableDatabase, id: string): Promise<InvestigationView> {
  const stored = await db.investigations.get(id)
  if (stored === undefined) throw new InvestigationNotFoundError(id)
  const steps = await db.runs.listSteps(id)
  return { ...toView(stored), steps: steps.map(toStepView), results: stored.results as JsonValue }
}

/** Investigations, newest first, without steps and results. */
export async function listInvestigations(db: ReadableDatabase, filter: InvestigationFilter): Promise<InvestigationPage> {
  const page = await db.investigations.find(filter)
  return { items: page.items.map(toView), next: page.next }
}

function toView(stored: Investigation): InvestigationView {
  return {
    id: stored.id,
    query: stored.query,
    status: stored.status,
    createdAt: stored.createdAt.toISOString(),
    updatedAt: stored.updatedAt.toISOString(),
    completedAt: stored.completedAt?.toISOString() ?? null,
    error: stored.errorMessage,
    anomaliesFound: stored.anomaliesFound,
    processingTimeMs: stored.processingTimeMs,
  }
}

function toStepView({ stepId, agent, status, attempt, error }: StepRecord): StepView {
  return { id: stepId, agent, status, attempt, error }
}
