export const INVESTIGATION_STATUSES = ['pending', 'processing', 'completed', 'error', 'cancelled'] as const
export type InvestigationStatus = (typeof INVESTIGATION_STATUSES)[number]

export const TERMINAL_STATUSES = ['completed', 'error', 'cancelled'] as const
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number]

/**
 * Which status may follow which, within one attempt; staying is always allowed. The database holds the same table in
 * `investigation_transition_allowed`, for writers that come past this code.
 *
 * - *pending*: accepted, nothing has run. It may start, be cancelled, or end in error when it cannot start at all.
 * - *processing*: steps run.
 * - *completed*, *error*, *cancelled*: final. Trying again after an error is a new attempt, see `RETRY`.
 */
export const STATUS_TRANSITIONS: Readonly<Record<InvestigationStatus, readonly InvestigationStatus[]>> = Object.freeze({
  pending: ['processing', 'error', 'cancelled'],
  processing: ['completed', 'error', 'cancelled'],
  completed: [],
  error: [],
  cancelled: [],
})

/** The one way out of a final status: the next attempt starts from the beginning. */
export const RETRY: Readonly<{ from: InvestigationStatus; to: InvestigationStatus }> = Object.freeze({ from: 'error', to: 'pending' })

export interface StatusChange {
  readonly from: InvestigationStatus
  readonly to: InvestigationStatus
  /** New attempt number minus the stored one. */
  readonly attemptsAdded: number
}

export function isTransitionAllowed({ from, to, attemptsAdded }: StatusChange): boolean {
  if (attemptsAdded === 1) return from === RETRY.from && to === RETRY.to
  return attemptsAdded === 0 && (from === to || STATUS_TRANSITIONS[from].includes(to))
}

export function isTerminal(status: InvestigationStatus): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly InvestigationStatus[]).includes(status)
}

export function isInvestigationStatus(value: unknown): value is InvestigationStatus {
  return (INVESTIGATION_STATUSES as readonly unknown[]).includes(value)
}

const ORIGINAL_STATUSES: Readonly<Record<string, InvestigationStatus>> = {
  failed: 'error',
  running: 'processing',
  in_progress: 'processing',
  retrying: 'processing',
  timed_out: 'error',
  canceled: 'cancelled',
}

/** Reads the words that the Python original used as well as ours; undefined for any other. For imports. */
export function toInvestigationStatus(word: string): InvestigationStatus | undefined {
  if (isInvestigationStatus(word)) return word
  return Object.hasOwn(ORIGINAL_STATUSES, word) ? ORIGINAL_STATUSES[word] : undefined
}
