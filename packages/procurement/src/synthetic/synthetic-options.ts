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
  'threshold-splitting',
  'price-outlier',
] as const
export type PlantableRule = (typeof PLANTABLE_RULES)[number]
/** Those whose anomalies are rows of the file of contracts. */
export type PlantableContractRule = Exclude<PlantableRule, 'price-outlier'>

export type PlantedCounts = Readonly<Partial<Record<PlantableRule, number>>>

export interface SyntheticOptions {
  /** The same seed gives the same file, byte for byte. */
  readonly seed: number
  /** Rows to write, planted ones included. */
  readonly contracts: number
  /**
   * How many anomalies to plant for each rule: contracts, or pairs of contracts for `duplicate-contract`, or buying
   * units for `supplier-concentration`, or groups of direct purchases for `threshold-splitting`, or items for
   * `price-outlier`. For `benford-first-two` fewer than a tenth of all contracts do not show.
   * @default two units, three pairs, four contracts of each other kind; none of the last three; as far as there is room
   */
  readonly plantedAnomalies?: PlantedCounts
  /** Rows of a file of items beside that of contracts. @default 0, and no such file */
  readonly items?: number
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
  // Three that reach the limit together, and two of another unit that do not.
  'threshold-splitting': 5,
  'price-outlier': 0,
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
/** More dear items than this of a description would no longer be the exception that a median withstands. */
const ITEMS_PER_DEAR_ONE = 10
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
  return Object.freeze({ seed, contracts, items: resolveItems(options, plantedAnomalies['price-outlier']), year, month, plantedAnomalies })
}

function resolveItems({ items: wanted = 0, contracts }: SyntheticOptions, dear: number): number {
  const items = requireInteger('items', wanted, 0)
  if (items > 0 && contracts === 0) throw new ProcurementOptionError(`items must be 0 without contracts, got ${items}`)
  if (dear * ITEMS_PER_DEAR_ONE > items) {
    throw new ProcurementOptionError(`plantedAnomalies.price-outlier must be at most a tenth of the ${items} items, got ${dear}`)
  }
  return items
}

function resolveCounts(counts: PlantedCounts): Readonly<Record<PlantableRule, number>> {
  const entries = PLANTABLE_RULES.map((rule) => [rule, requireInteger(`plantedAnomalies.${rule}`, counts[rule] ?? 0, 0)])
  return Object.freeze(Object.fromEntries(entries) as Record<PlantableRule, number>)
}
