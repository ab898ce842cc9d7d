import { maskCpfs } from '@cidadao/contracts'
import { InvalidInvestigationError } from '../errors/investigation-errors.ts'
import type { InvestigationDraft } from './investigation.ts'
import { INVESTIGATION_STATUSES, isInvestigationStatus, isTerminal, type InvestigationStatus } from './investigation-status.ts'
import { isPlainObject, requireIdentifier, requireText, toStorableText, toStoredJson } from './stored-values.ts'
import { uuidV7 } from './uuid-v7.ts'

export const MAX_ID_LENGTH = 50

/** A draft with its defaults, checked against every rule that the table has as well. */
export interface ValidInvestigation {
  readonly id: string
  readonly userId: string | null
  /** With every CPF masked. */
  readonly query: string
  readonly status: InvestigationStatus
  readonly resultsJson: string | null
  readonly metadataJson: string
  /** Undefined leaves it to the store: now, or as stored. */
  readonly createdAt: Date | undefined
  readonly completedAt: Date | null
  readonly errorMessage: string | null
  readonly confidenceScore: number | null
  readonly anomaliesFound: number
  readonly processingTimeMs: number
  readonly expectedVersion: number
  readonly attempt: number
}

/** Completes and checks a draft. Throws `InvalidInvestigationError`, which names the field and the rule. */
export function validateInvestigation(draft: InvestigationDraft, now: Date): ValidInvestigation {
  requireObject(draft)
  const valid: ValidInvestigation = {
    id: draft.id === undefined ? uuidV7(now) : requireIdentifier('id', draft.id, MAX_ID_LENGTH),
    userId: optional(draft.userId, (userId) => requireIdentifier('userId', userId, MAX_ID_LENGTH)),
    // Once stored it can never change, and it travels into plans, lists and caches: a number is hidden before all that.
    query: maskCpfs(requireText('query', draft.query)),
    status: requireStatus(draft.status ?? 'pending'),
    resultsJson: optional(draft.results, requireResults),
    metadataJson: requireMetadata(draft.metadata ?? {}),
    createdAt: draft.createdAt === undefined ? undefined : requireInstant('createdAt', draft.createdAt),
    completedAt: optional(draft.completedAt, (instant) => requireInstant('completedAt', instant)),
    errorMessage: optional(draft.errorMessage, requireMessage),
    confidenceScore: optional(draft.confidenceScore, requireConfidence),
    anomaliesFound: requireCount('anomaliesFound', draft.anomaliesFound ?? 0, 0),
    processingTimeMs: requireCount('processingTimeMs', draft.processingTimeMs ?? 0, 0),
    expectedVersion: requireCount('version', draft.version ?? 0, 0),
    attempt: requireCount('attempt', draft.attempt ?? 1, 1),
  }
  requireCoherence(valid)
  return valid
}

function requireObject(draft: unknown): void {
  if (typeof draft !== 'object' || draft === null) throw new InvalidInvestigationError('investigation', 'must be an object')
}

export function requireStatus(status: InvestigationStatus): InvestigationStatus {
  if (!isInvestigationStatus(status)) throw new InvalidInvestigationError('status', `must be one of ${INVESTIGATION_STATUSES.join(', ')}`)
  return status
}

function requireCoherence({ status, completedAt, createdAt, errorMessage }: ValidInvestigation): void {
  if (status === 'completed' && completedAt === null) {
    throw new InvalidInvestigationError('completedAt', 'must be set when the status is completed')
  }
  if (!isTerminal(status) && completedAt !== null) {
    throw new InvalidInvestigationError('completedAt', `must be null while the status is ${status}`)
  }
  if (completedAt !== null && createdAt !== undefined && completedAt < createdAt) {
    throw new InvalidInvestigationError('completedAt', 'must not be before createdAt')
  }
  if (status === 'error' && errorMessage === null) {
    throw new InvalidInvestigationError('errorMessage', 'must be set when the status is error')
  }
}

function optional<Value, Result>(value: Value | null | undefined, check: (value: Value) => Result): Result | null {
  return value === null || value === undefined ? null : check(value)
}

/** Mended rather than refused: a failure must be storable, whatever bytes the failing source had put into its message. */
function requireMessage(message: string): string {
  return requireText('errorMessage', typeof message === 'string' ? toStorableText(message) : message)
}

function requireResults(results: unknown): string {
  if (!Array.isArray(results) && !isPlainObject(results)) throw new InvalidInvestigationError('results', 'must be an object or a list')
  return toStoredJson('results', results)
}

function requireMetadata(metadata: unknown): string {
  if (!isPlainObject(metadata)) throw new InvalidInvestigationError('metadata', 'must be an object')
  return toStoredJson('metadata', metadata)
}

export function requireInstant(field: string, instant: Date): Date {
  if (!(instant instanceof Date) || Number.isNaN(instant.getTime())) throw new InvalidInvestigationError(field, 'must be a valid Date')
  const year = instant.getUTCFullYear()
  if (year < 1 || year > 9999) throw new InvalidInvestigationError(field, 'must be within the years 1 to 9999')
  return instant
}

export function requireConfidence(confidence: number): number {
  if (typeof confidence !== 'number' || !(confidence >= 0 && confidence <= 1)) {
    throw new InvalidInvestigationError('confidenceScore', 'must be a number from 0 to 1')
  }
  return confidence
}

function requireCount(field: string, count: number, min: number): number {
  if (!Number.isSafeInteger(count) || count < min) throw new InvalidInvestigationError(field, `must be an integer of at least ${min}`)
  return count
}
