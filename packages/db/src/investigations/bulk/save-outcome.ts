import type { InfraError } from '@cidadao/contracts'
import type { Investigation } from '../investigation.ts'

/** What a bulk save says of a stored row: what the store decided. The rest is what was given. */
export type SavedRow = Pick<Investigation, 'id' | 'version' | 'status' | 'attempt' | 'createdAt' | 'updatedAt'>

export const SAVE_OUTCOMES = ['saved', 'refused', 'failed'] as const

/**
 * What became of one draft.
 *
 * - *saved*: stored.
 * - *refused*: it was the draft's fault, and `error` is that of `save`; sending it again as it is will not help.
 * - *failed*: it was not the draft's fault: the database failed, or the call was aborted. `error.effect` says whether
 *   it may be stored nevertheless.
 */
export type SaveOutcome =
  | { readonly outcome: 'saved'; readonly row: SavedRow }
  | { readonly outcome: 'refused'; readonly error: InfraError }
  | { readonly outcome: 'failed'; readonly error: InfraError }

export type SaveCounts = Readonly<Record<(typeof SAVE_OUTCOMES)[number], number>>

export interface SaveManyReport {
  /** One for each draft, in the order in which they were given. */
  readonly outcomes: readonly SaveOutcome[]
  readonly counts: SaveCounts
}

export function countOutcomes(outcomes: readonly (SaveOutcome | undefined)[]): SaveCounts {
  const counts = { saved: 0, refused: 0, failed: 0 }
  for (const outcome of outcomes) if (outcome !== undefined) counts[outcome.outcome] += 1
  return counts
}
