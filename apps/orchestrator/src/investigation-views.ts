import type { JsonValue } from '@cidadao/contracts'
import { isTerminal, type Investigation, type Investigations, type OwnerScope, type RunStore, type StepRecord } from '@cidadao/db'
import type { EventPageView, EventRange, InvestigationPage, InvestigationView, ListFilter, StepView } from './api/api-ports.ts'
import { InvestigationNotFoundError } from './errors.ts'

/** What reading takes of the database. */
export interface ReadableDatabase {
  readonly investigations: Pick<Investigations, 'get' | 'find'>
  readonly runs: Pick<RunStore, 'listSteps' | 'listEvents'>
}

/** One that the scope sees. @throws InvestigationNotFoundError */
export async function requireInvestigation(db: ReadableDatabase, id: string, scope: OwnerScope = {}): Promise<Investigation> {
  const stored = await db.investigations.get(id, scope)
  if (stored === undefined) throw new InvestigationNotFoundError(id)
  return stored
}

/** One investigation with its steps and results. @throws InvestigationNotFoundError */
export async function readInvestigation(db: ReadableDatabase, id: string, scope: OwnerScope = {}): Promise<InvestigationView> {
  const stored = await requireInvestigation(db, id, scope)
  const steps = await db.runs.listSteps(id)
  return { ...toView(stored), steps: steps.map(toStepView), results: stored.results as JsonValue }
}

/** Investigations, newest first, without steps and results. */
export async function listInvestigations(db: ReadableDatabase, filter: ListFilter): Promise<InvestigationPage> {
  const page = await db.investigations.find(filter)
  return { items: page.items.map(toView), next: page.next }
}

/** What happened after an event, in order. @throws InvestigationNotFoundError */
export async function listEvents(
  db: ReadableDatabase,
  { id, scope, after, limit }: EventRange & { readonly id: string; readonly scope: OwnerScope },
): Promise<EventPageView> {
  // First whether it has ended, then its events: none can come after those that are read then.
  const { status } = await requireInvestigation(db, id, scope)
  const events = await db.runs.listEvents(id, { afterSeq: after, limit })
  const items = events.map(({ seq, type, data, createdAt }) => ({ seq, type, at: createdAt.toISOString(), data }))
  return { items, next: items.at(-1)?.seq ?? after, ended: isTerminal(status) && items.length < limit }
}

function toView(stored: Investigation): InvestigationView {
  return {
    id: stored.id,
    owner: stored.userId,
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
