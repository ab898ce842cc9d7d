/** Middle and spread that single values cannot move, on the scale of the values given. */
export interface RobustSpread {
  readonly median: number
  /** Median of the absolute deviations from the median. 0 where more than half of the values are equal. */
  readonly medianAbsoluteDeviation: number
}

/** Makes the deviation comparable with a standard deviation of a normal sample (Iglewicz and Hoaglin, 1993). */
const NORMAL_CONSISTENCY = 0.6745

export function robustSpread(values: Float64Array): RobustSpread {
  const median = medianOf(values)
  return { median, medianAbsoluteDeviation: medianOf(values.map((value) => Math.abs(value - median))) }
}

/** Only for a spread above 0. */
export function modifiedZ(value: number, { median, medianAbsoluteDeviation }: RobustSpread): number {
  return (NORMAL_CONSISTENCY * (value - median)) / medianAbsoluteDeviation
}

function medianOf(values: Float64Array): number {
  const sorted = values.toSorted()
  const middle = sorted.length >>> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
