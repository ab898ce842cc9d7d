import { ratioOf, type Money } from '../../values/money.ts'

/** Where an amount stands by the limit: in the tenth below it, from it to a tenth above, or elsewhere. */
export const LIMIT_BANDS = ['just-below', 'just-above', 'elsewhere'] as const
export type LimitBand = (typeof LIMIT_BANDS)[number]

/** Compared on integers: [0.9 L, L) is just below, [L, 1.1 L) just above. */
export function bandOf(value: Money, limit: Money): LimitBand {
  const tenfold = value * 10n
  if (tenfold >= limit * 9n && value < limit) return 'just-below'
  return value >= limit && tenfold < limit * 11n ? 'just-above' : 'elsewhere'
}

/** How near an amount comes to the limit: 1 at it. */
export function nearness(value: Money, limit: Money): number {
  return ratioOf(value, limit, 6)
}

/**
 * How likely chance alone puts `successes` or more of `trials` on one of two sides that are equally likely. Summed
 * from the smallest term, in logarithms, so that it is exact to double precision for thousands of trials.
 */
export function binomialTail(successes: number, trials: number): number {
  if (successes <= 0) return 1
  let logTerm = -trials * Math.LN2
  let sum = Math.exp(logTerm)
  // P(X ≥ s) = P(X ≤ n − s) by symmetry, and that side needs no binomial coefficient to start from.
  for (let count = 1; count <= trials - successes; count++) {
    logTerm += Math.log((trials - count + 1) / count)
    sum += Math.exp(logTerm)
  }
  return successes > trials ? 0 : Math.min(1, sum)
}
