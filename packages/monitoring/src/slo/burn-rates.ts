/** Windows of which the part of bad events is recorded, the shortest first. */
export const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const
export type Window = (typeof WINDOWS)[number]

/** `page` wakes somebody; `ticket` is for the next working day. */
export const SEVERITIES = ['page', 'ticket'] as const
export type Severity = (typeof SEVERITIES)[number]

/**
 * How many times faster than allowed the budget of 30 days may be used up before somebody is told. The long window
 * says that it matters, the short one that it still goes on, so that an alert ends soon after its cause.
 */
export interface BurnRate {
  readonly factor: number
  readonly long: Window
  readonly short: Window
  readonly severity: Severity
}

export const BURN_RATES: readonly BurnRate[] = Object.freeze([
  { factor: 14.4, long: '1h', short: '5m', severity: 'page' },
  { factor: 6, long: '6h', short: '30m', severity: 'page' },
  { factor: 3, long: '1d', short: '2h', severity: 'ticket' },
  { factor: 1, long: '3d', short: '6h', severity: 'ticket' },
])
