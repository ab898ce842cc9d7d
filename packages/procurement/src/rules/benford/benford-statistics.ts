/** How closely a sample follows Benford's law, in the terms of Nigrini (2012). */
export const CONFORMITIES = ['close', 'acceptable', 'marginal', 'nonconforming'] as const
export type Conformity = (typeof CONFORMITIES)[number]

export interface BenfordTest {
  readonly firstBin: number
  readonly lastBin: number
  /** Upper bounds of the mean absolute deviation for close, acceptable and marginal conformity. */
  readonly cuts: readonly [close: number, acceptable: number, marginal: number]
  readonly degreesOfFreedom: number
  /** Of χ² at the level of 5 %. */
  readonly criticalChiSquare: number
}

export const FIRST_DIGIT: BenfordTest = {
  firstBin: 1,
  lastBin: 9,
  cuts: [0.006, 0.012, 0.015],
  degreesOfFreedom: 8,
  criticalChiSquare: 15.507,
}

export const FIRST_TWO_DIGITS: BenfordTest = {
  firstBin: 10,
  lastBin: 99,
  cuts: [0.0012, 0.0018, 0.0022],
  degreesOfFreedom: 89,
  criticalChiSquare: 112.022,
}

export interface BenfordBin {
  readonly digits: number
  readonly observed: number
  readonly expected: number
}

export interface BenfordResult {
  readonly n: number
  readonly meanAbsoluteDeviation: number
  readonly chiSquare: number
  readonly conformity: Conformity
  readonly bins: readonly BenfordBin[]
}

/** `counts[digits]` is how many values begin with `digits`. */
export function testBenford(counts: readonly number[], test: BenfordTest): BenfordResult {
  const digits = Array.from({ length: test.lastBin - test.firstBin + 1 }, (_, index) => test.firstBin + index)
  const n = digits.reduce((total, digit) => total + (counts[digit] ?? 0), 0)
  const bins = digits.map((digit) => ({ digits: digit, observed: counts[digit] ?? 0, expected: n * Math.log10(1 + 1 / digit) }))
  if (n === 0) return { n, meanAbsoluteDeviation: 0, chiSquare: 0, conformity: 'close', bins }
  const chiSquare = bins.reduce((sum, { observed, expected }) => sum + (observed - expected) ** 2 / expected, 0)
  const deviation = digits.reduce((sum, digit) => sum + Math.abs((counts[digit] ?? 0) / n - Math.log10(1 + 1 / digit)), 0)
  const meanAbsoluteDeviation = deviation / digits.length
  return { n, meanAbsoluteDeviation, chiSquare, conformity: conformityOf(meanAbsoluteDeviation, test), bins }
}

function conformityOf(deviation: number, { cuts }: BenfordTest): Conformity {
  const index = cuts.findIndex((cut) => deviation <= cut)
  return CONFORMITIES[index === -1 ? CONFORMITIES.length - 1 : index] ?? 'nonconforming'
}
