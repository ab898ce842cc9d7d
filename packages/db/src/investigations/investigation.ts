import type { JsonObject, JsonValue } from '@cidadao/contracts'
import type { InvestigationStatus } from './investigation-status.ts'

/** Findings: an object or a list. An empty one is a result; no result is `null`. */
export type InvestigationResults = JsonObject | readonly JsonValue[]

/** A stored investigation. Instants are UTC with milliseconds. */
export interface Investigation {
  readonly id: string
  /** Who asked; `null` for an anonymous question. Never changes. */
  readonly userId: string | null
  /** The question. Never changes. */
  readonly query: string
  readonly status: InvestigationStatus
  readonly results: InvestigationResults | null
  readonly metadata: JsonObject
  /** Never changes. */
  readonly createdAt: Date
  /** Set by the store on each write. */
  readonly updatedAt: Date
  readonly completedAt: Date | null
  readonly errorMessage: string | null
  /** From 0 to 1. */
  readonly confidenceScore: number | null
  readonly anomaliesFound: number
  readonly processingTimeMs: number
  /** Counts the writes, from 1. A save must name the version that it read. */
  readonly version: number
  /** Counts the tries, from 1. Only a retry after an error raises it. */
  readonly attempt: number
}

/**
 * The whole investigation as it shall be stored: what is left out gets its default, it is not kept from before. A
 * stored `Investigation` is one too, so `save({ ...stored, status: 'processing' })` changes one thing.
 */
export interface InvestigationDraft {
  /** 1 to 50 characters. @default a new UUID version 7 */
  readonly id?: string
  /** @default null */
  readonly userId?: string | null
  readonly query: string
  /** @default 'pending' */
  readonly status?: InvestigationStatus
  /** @default null */
  readonly results?: InvestigationResults | null
  /** @default {} */
  readonly metadata?: JsonObject
  /** @default now; for a stored investigation, the stored instant */
  readonly createdAt?: Date
  /** @default null */
  readonly completedAt?: Date | null
  /** @default null */
  readonly errorMessage?: string | null
  /** @default null */
  readonly confidenceScore?: number | null
  /** @default 0 */
  readonly anomaliesFound?: number
  /** @default 0 */
  readonly processingTimeMs?: number
  /** The version that was read; 0 for a new investigation. @default 0 */
  readonly version?: number
  /** @default 1 */
  readonly attempt?: number
}
