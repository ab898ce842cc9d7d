import type { SeededRandom } from './random.ts'
import {
  PLANTABLE_RULES,
  ROWS_PER_ANOMALY,
  type PlantableContractRule,
  type PlantableRule,
  type ResolvedSyntheticOptions,
} from './synthetic-options.ts'

/** What a planted row is to look like. `serial` counts the rows of one anomaly from 0. */
export type Planting =
  | { readonly rule: 'supplier-concentration' | 'threshold-splitting'; readonly anomaly: number; readonly serial: number }
  /** The row repeats the ordinary row at `original`. */
  | { readonly rule: 'duplicate-contract'; readonly original: number }
  | { readonly rule: OneRowRule; readonly anomaly: number }

type OneRowRule = Exclude<PlantableContractRule, 'supplier-concentration' | 'threshold-splitting' | 'duplicate-contract'>

/** One entry of the key: a finding of `rule` must list exactly these lines, and those of its other entries. */
export interface PlantedAnomaly {
  readonly rule: PlantableRule
  /** Name of the file of `lines`: that of the contracts or that of the items. */
  readonly file: string
  /** Code of the buying unit that the finding must list, where it lists units; `null` where it lists contracts. */
  readonly unit: string | null
  /** Physical lines in the file, ascending; the header is line 1. */
  readonly lines: readonly number[]
}

export interface Plan {
  readonly plantings: ReadonlyMap<number, Planting>
  readonly key: readonly PlantedAnomaly[]
}

/** The first rows of `threshold-splitting` reach the limit together; those after them are of another unit and do not. */
export const SPLIT_PURCHASES = 3

/** Spreads the anomalies over the file of contracts. No row serves two anomalies, so that each rule's records are known exactly. */
export function planAnomalies(options: ResolvedSyntheticOptions, file: string, random: SeededRandom): Plan {
  const taken = new Set<number>()
  const plantings = new Map<number, Planting>()
  const key: PlantedAnomaly[] = []
  for (const rule of PLANTABLE_RULES) {
    if (rule === 'price-outlier') continue
    for (let anomaly = 0; anomaly < options.plantedAnomalies[rule]; anomaly++) {
      const rows = takeRows(ROWS_PER_ANOMALY[rule], { taken, random, contracts: options.contracts })
      for (const [row, planting] of plant(rule, anomaly, rows)) plantings.set(row, planting)
      key.push({ rule, file, ...keyEntry(rule, anomaly, rows) })
    }
  }
  return { plantings, key }
}

function keyEntry(rule: PlantableContractRule, anomaly: number, rows: readonly number[]): Pick<PlantedAnomaly, 'unit' | 'lines'> {
  const lines = rows.slice(0, rule === 'threshold-splitting' ? SPLIT_PURCHASES : undefined).map(lineOf)
  return { unit: rule === 'supplier-concentration' ? concentratedUnit(anomaly) : null, lines }
}

/** Code of the unit made for this anomaly. */
export function concentratedUnit(anomaly: number): string {
  return String(900_000 + anomaly)
}

/** Rows are counted from 0; the header is line 1. */
export function lineOf(row: number): number {
  return row + 2
}

interface Field {
  readonly taken: Set<number>
  readonly random: SeededRandom
  readonly contracts: number
}

function takeRows(count: number, { taken, random, contracts }: Field): readonly number[] {
  const rows: number[] = []
  while (rows.length < count) {
    const row = random.below(contracts)
    if (taken.has(row)) continue
    taken.add(row)
    rows.push(row)
  }
  return rows.sort((left, right) => left - right)
}

function plant(rule: PlantableContractRule, anomaly: number, rows: readonly number[]): readonly (readonly [number, Planting])[] {
  switch (rule) {
    case 'supplier-concentration':
    case 'threshold-splitting':
      return rows.map((row, serial) => [row, { rule, anomaly, serial }] as const)
    case 'duplicate-contract': {
      const [original = 0, copy = 0] = rows
      return [[copy, { rule, original }] as const]
    }
    default:
      return rows.map((row) => [row, { rule, anomaly }] as const)
  }
}
