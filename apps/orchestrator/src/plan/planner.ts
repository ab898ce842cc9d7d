import type { Plan } from './plan.ts'
import type { Question } from './question.ts'

/** What somebody wants to know, and where to look. */
export interface InvestigationRequest {
  readonly query: string
  /** Path of a folder or file with the records. */
  readonly source: string
}

export interface Planned {
  readonly question: Question
  /** Not trusted: goes through `validatePlan` like anybody's. */
  readonly plan: unknown
}

/** Turns a question into a plan. The rule templates are one; a language model may be another. */
export interface Planner {
  /** @throws QueryNotUnderstoodError when the question is none that this planner knows. */
  plan(request: InvestigationRequest): Promise<Planned>
}

export type { Plan }
