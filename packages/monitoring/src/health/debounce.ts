import type { CheckStatus } from './health-check.ts'

/** A check's reported status and the run of samples that may change it. */
export interface Debounced {
  readonly status: CheckStatus
  readonly failuresInRow: number
  readonly successesInRow: number
}

/**
 * The first sample decides at once. Later, `downAfter` failures in a row report a failure and `upAfter` successes in a
 * row end it; pass and warn follow each other directly, since both mean that it works.
 */
export function debounce(
  previous: Debounced | undefined,
  sample: CheckStatus,
  limits: { readonly downAfter: number; readonly upAfter: number },
): Debounced {
  const failed = sample === 'fail'
  const failuresInRow = failed ? (previous?.failuresInRow ?? 0) + 1 : 0
  const successesInRow = failed ? 0 : (previous?.successesInRow ?? 0) + 1
  const undecided =
    previous !== undefined &&
    (failed
      ? previous.status !== 'fail' && failuresInRow < limits.downAfter
      : previous.status === 'fail' && successesInRow < limits.upAfter)
  return { status: undecided ? previous.status : sample, failuresInRow, successesInRow }
}
