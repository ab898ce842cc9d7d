import { ProcurementOptionError, requireInteger } from '../errors.ts'

/** The rules for which anomalies can be planted. */
export const PLANTABLE_RULES = [
  'supplier-concentration',
  'duplicate-contract',
  'amendment-growth',
  'late-publication',
  'round-value',
  'calendar',
  'invalid-identifier',
  'benford-first-two',
] as const
export type PlantableRule = (typeof PLANTABLE_RULES)[number]

export type PlantedCounts = Readonly<Partial<Record<PlantableRule, number>>>

export interface SyntheticOptions {
  /** The same seed gives the same file, byte for byte. */
  readonly seed: number
  /** Rows to write, planted ones included. */
  readonly contracts: number
  /**
   * How many anomalies to plant for each rule: contracts, or pairs of contracts for `duplicate-contract`, or buying
   * units for `supplier-concentration`. For `benford-first-two` fewer than a tenth of all contracts do not show.
   * @default two units, three pairs, four contracts of each other kind but benford-first-two; as far as there is room
   */
  readonly plantedAnomalies?: PlantedCounts
  /** Year of publication of all contracts. @default 2024 */
  readonly year?: number
  /** Month of publication, 1 to 12. @default 1 */
  readonly month?: number
}

export interface ResolvedSyntheticOptions extends Required<SyntheticOptions> {
  readonly plantedAnomalies: Readonly<Record<PlantableRule, number>>
}

/** Rows that one planted anomaly takes; 1 where not named. */
export const ROWS_PER_ANOMALY: Readonly<Record<PlantableRule, number>> = {
  'supplier-concentration': 12,
  'duplicate-contract': 2,
  'amendment-growth': 1,
  'late-publication': 1,
  'round-value': 1,
  calendar: 1,
  'invalid-identifier': 1,
  'benford-first-two': 1,
}

const DEFAULT_PLANTED: PlantedCounts = {
  'supplier-concentration': 2,
  'duplicate-contract': 3,
  'amendment-growth': 4,
  'late-publication': 4,
  'round-value': 4,
  calendar: 4,
  'invalid-identifier': 4,
}
/** Below this many contracts nothing is planted by default, so that the planted stay the exception. */
const DEFAULT_PLANTED_FROM = 200

export function resolveSyntheticOptions(options: SyntheticOptions): ResolvedSyntheticOptions {
  const contracts = requireInteger('contracts', options.contracts, 0)
  const seed = requireInteger('seed', options.seed, 0)
  const year = requireInteger('year', options.year ?? 2024, 1900)
  const month = requireInteger('month', options.month ?? 1, 1)
  if (month > 12) throw new ProcurementOptionError(`month must be at most 12, got ${month}`)
  const counts = options.plantedAnomalies ?? (contracts >= DEFAULT_PLANTED_FROM ? DEFAULT_PLANTED : {})
  const plantedAnomalies = resolveCounts(counts)
  const rows = PLANTABLE_RULES.reduce((total, rule) => total + plantedAnomalies[rule] * ROWS_PER_ANOMALY[rule], 0)
  if (rows * 2 > contracts) {
    throw new ProcurementOptionError(`plantedAnomalies must take at most half of the ${contracts} contracts, got ${rows} rows`)
  }
  return Object.freeze({ seed, contracts, year, month, plantedAnomalies })
}

function resolveCounts(counts: PlantedCounts): Readonly<Record<PlantableRule, number>> {
  const entries = PLANTABLE_RULES.map((rule) => [rule, requireInteger(`plantedAnomalies.${rule}`, counts[rule] ?? 0, 0)])
  return Object.freeze(Object.fromEntries(entries) as Record<PlantableRule, number>)
}
