import type { JsonObject, JsonValue } from '@cidadao/contracts'

export const STEP_STATUSES = ['pending', 'running', 'completed', 'failed', 'skipped', 'cancelled'] as const
export type StepStatus = (typeof STEP_STATUSES)[number]

/** One revision of what was decided to do. */
export interface PlanRecord {
  readonly investigationId: string
  /** From 1; earlier revisions stay. */
  readonly revision: number
  readonly plan: JsonObject
  readonly createdAt: Date
}

export type PlanDraft = Omit<PlanRecord, 'createdAt'>

export interface StepRecord {
  readonly investigationId: string
  readonly stepId: string
  readonly agent: string
  readonly agentVersion: string
  readonly status: StepStatus
  /** Number of the latest try; 0 before the first. */
  readonly attempt: number
  /** SHA-256 of the input, in hexadecimal. */
  readonly inputHash: string | null
  readonly result: JsonValue | null
  readonly error: JsonObject | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

/** A step to be done. */
export interface StepDraft {
  readonly stepId: string
  readonly agent: string
  readonly agentVersion: string
  /** @default null */
  readonly inputHash?: string | null
}

export interface StepStart {
  readonly investigationId: string
  readonly stepId: string
  /** Number of this try, from 1. */
  readonly attempt: number
  /** @default what is stored */
  readonly inputHash?: string
}

/** How a step ended. */
export type StepEnd =
  | { readonly status: 'completed'; readonly result: JsonValue }
  | { readonly status: 'failed'; readonly error: JsonObject }
  | { readonly status: 'skipped' | 'cancelled' }

export interface StepFinish {
  readonly investigationId: string
  readonly stepId: string
  /** The try that ends; a newer one fences it. For a step that never started: 0. */
  readonly attempt: number
  readonly end: StepEnd
}

/** Whether the step was ours to change. Where not, `step` shows who was faster. */
export type StepChange =
  { readonly outcome: 'changed'; readonly step: StepRecord } | { readonly outcome: 'stale'; readonly step: StepRecord }

export interface EventDraft {
  readonly investigationId: string
  /** Lower-case words with dots: `step.finished`. */
  readonly type: string
  /** @default {} */
  readonly data?: JsonObject
}

export interface EventRecord {
  /** Grows within an investigation in the order of commits, so that a reader who goes on after it misses nothing. */
  readonly seq: number
  readonly investigationId: string
  readonly type: string
  readonly data: JsonObject
  readonly createdAt: Date
}
