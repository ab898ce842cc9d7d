import { isDeepStrictEqual } from 'node:util'
import type { ValidInvestigation } from './investigation-validation.ts'
import type { Investigation } from './investigation.ts'

/** Whether `stored` is exactly what writing `wanted` leads to. */
export function isResultOf(wanted: ValidInvestigation, stored: Investigation): boolean {
  return (
    stored.version === wanted.expectedVersion + 1 &&
    stored.status === wanted.status &&
    stored.attempt === wanted.attempt &&
    stored.query === wanted.query &&
    stored.userId === wanted.userId &&
    stored.errorMessage === wanted.errorMessage &&
    stored.confidenceScore === wanted.confidenceScore &&
    stored.anomaliesFound === wanted.anomaliesFound &&
    stored.processingTimeMs === wanted.processingTimeMs &&
    stored.completedAt?.getTime() === wanted.completedAt?.getTime() &&
    isDeepStrictEqual(stored.results, wanted.resultsJson === null ? null : JSON.parse(wanted.resultsJson)) &&
    isDeepStrictEqual(stored.metadata, JSON.parse(wanted.metadataJson))
  )
}
