import type { ContractFacts } from '../../contracts/contract.ts'
import { ProcurementOptionError } from '../../errors.ts'
import type { FindingOutcome, FindingValues, Severity } from '../../findings/finding.ts'
import { toPurchaseRecord, type PurchaseRecord } from '../../findings/finding-record.ts'
import { TopList } from '../../findings/top-list.ts'
import { directPurchaseLimit } from '../../purchases/legal-limits.ts'
import { directPurchaseOfContract, type DirectPurchase } from '../../purchases/direct-purchase.ts'
import { formatMoney, type Money } from '../../values/money.ts'
import { listed, resolveMaxRecords, toFinding, type RuleDefinition, type RuleDescription, type RuleOptions, type RuleRun } from '../rule.ts'
import { bandOf, binomialTail, nearness } from './bunching.ts'
import { PurchaseGroups, type PurchaseGroup } from './purchase-groups.ts'
import { explainSplitting, SPLITTING_BENIGN, SPLITTING_POPULATION } from './splitting-text.ts'

export interface ThresholdSplittingOptions extends RuleOptions {
  /** Codes of units for which the law doubles the limits: consortia, executive agencies. @default none */
  readonly unitsWithDoubleLimit?: readonly string[]
  /** Probability of chance below which purchases gathered just below the limit are remarked, 0 to 1. @default 0.01 */
  readonly significance?: number
}

const DEFAULTS = { significance: 0.01 }
/** Fewer purchases by the limit say nothing, however they lie. */
const MINIMUM_BY_LIMIT = 10

const DESCRIPTION: RuleDescription<'threshold-splitting'> = {
  id: 'threshold-splitting',
  version: '1.0.0',
  title: { en: 'Direct purchases split below the limit', pt: 'Fracionamento de dispensas abaixo do limite' },
  description: {
    en: 'Direct purchases of one unit from one company that stay below the legal limit one by one and reach it together, and purchases gathered just below it.',
    pt: 'Dispensas de uma unidade com uma empresa que ficam abaixo do limite legal uma a uma e o alcançam somadas, e dispensas acumuladas logo abaixo dele.',
  },
}

export const thresholdSplitting: RuleDefinition<'threshold-splitting', ThresholdSplittingOptions> = {
  ...DESCRIPTION,
  start: createContractSplitting,
}

export interface SplittingCounts {
  population: number
  /** Whose legal basis the source does not cite. */
  basisSupposed: number
  withoutSupplier: number
  justBelow: number
  justAbove: number
  /** Of `justBelow` and `justAbove`: works and engineering, which have a limit of their own. */
  worksBelow: number
  worksAbove: number
  /** Of `justAbove`: to the cent. Lei 8.666 allowed purchases of exactly the limit, Lei 14.133 does not. */
  atLimit: number
}

const NO_COUNTS: Readonly<SplittingCounts> = {
  population: 0,
  basisSupposed: 0,
  withoutSupplier: 0,
  justBelow: 0,
  justAbove: 0,
  worksBelow: 0,
  worksAbove: 0,
  atLimit: 0,
}

export interface SplittingResult {
  readonly counts: SplittingCounts
  readonly groups: readonly PurchaseGroup[]
  readonly chance: number
  readonly bunched: boolean
}

/** Over contracts of the Portal, of which those that are direct purchases are looked at. */
export function createContractSplitting(options: ThresholdSplittingOptions = {}): RuleRun<ContractFacts> {
  const run = createThresholdSplitting(options)
  return {
    ...run,
    add: (contract) => {
      const purchase = directPurchaseOfContract(contract)
      if (purchase !== undefined) run.add(purchase)
    },
  }
}

/** Over direct purchases of any source. `<` is strict: a purchase of exactly the limit is not below it. */
export function createThresholdSplitting(options: ThresholdSplittingOptions = {}): RuleRun<DirectPurchase> {
  const limits = resolveOptions(options)
  const groups = new PurchaseGroups()
  const nearLimit = new TopList<PurchaseRecord>(limits.maxRecords)
  const counts: SplittingCounts = { ...NO_COUNTS }
  return {
    rule: DESCRIPTION,
    add: (purchase) => {
      const limit = limitOf(purchase, limits.unitsWithDoubleLimit)
      countPurchase(counts, purchase, limit)
      groups.add(purchase, limit)
      if (bandOf(purchase.value, limit) !== 'just-below') return
      const facts = { pattern: 'just-below', limit: formatMoney(limit), nearness: nearness(purchase.value, limit) }
      nearLimit.add([facts.nearness, purchase.value], purchase, () => toPurchaseRecord(purchase, null, facts))
    },
    finish: () => [conclude({ counts, groups: groups.reachingLimit() }, nearLimit, limits)],
  }
}

type ResolvedOptions = Required<ThresholdSplittingOptions>

function resolveOptions(options: ThresholdSplittingOptions): ResolvedOptions {
  const significance = options.significance ?? DEFAULTS.significance
  if (!(significance > 0 && significance < 1)) {
    throw new ProcurementOptionError(`significance must lie between 0 and 1, got ${significance}`)
  }
  return { significance, unitsWithDoubleLimit: options.unitsWithDoubleLimit ?? [], maxRecords: resolveMaxRecords(options) }
}

function limitOf(purchase: DirectPurchase, doubled: readonly string[]): Money {
  const limit = directPurchaseLimit(purchase)
  return doubled.includes(purchase.unit.code) ? ((limit * 2n) as Money) : limit
}

function countPurchase(counts: SplittingCounts, { value, law, purpose, shares }: DirectPurchase, limit: Money): void {
  counts.population++
  if (law === null) counts.basisSupposed++
  if (shares.length === 0) counts.withoutSupplier++
  const band = bandOf(value, limit)
  const works = purpose === 'works' ? 1 : 0
  if (band === 'just-below') {
    counts.justBelow++
    counts.worksBelow += works
  }
  if (band === 'just-above') {
    counts.justAbove++
    counts.worksAbove += works
  }
  if (value === limit) counts.atLimit++
}

function conclude(
  { counts, groups }: Pick<SplittingResult, 'counts' | 'groups'>,
  nearLimit: TopList<PurchaseRecord>,
  { significance, maxRecords }: ResolvedOptions,
): ReturnType<typeof toFinding> {
  const { justBelow, justAbove } = counts
  const chance = binomialTail(justBelow, justBelow + justAbove)
  const bunched = justBelow + justAbove >= MINIMUM_BY_LIMIT && chance < significance
  const result: SplittingResult = { counts, groups, chance, bunched }
  return toFinding(DESCRIPTION, {
    ...verdictOf(result),
    population: { n: counts.population, description: SPLITTING_POPULATION },
    threshold: { limit: 'art. 75 / art. 24', band: 0.1, significance, minimumByLimit: MINIMUM_BY_LIMIT },
    statistics: statisticsOf(result),
    records: recordsOf(result, nearLimit, maxRecords),
    explanation: explainSplitting(result),
    benignExplanations: SPLITTING_BENIGN,
  })
}

function verdictOf({ counts, groups, bunched }: SplittingResult): { outcome: FindingOutcome; severity: Severity } {
  if (counts.population === 0) return { outcome: 'population-too-small', severity: 'info' }
  if (groups.length === 0 && !bunched) return { outcome: 'nothing-found', severity: 'info' }
  const certain = groups.length > 0 && counts.basisSupposed < counts.population
  return { outcome: 'indication', severity: certain ? 'medium' : 'low' }
}

function statisticsOf({ counts, groups, chance, bunched }: SplittingResult): FindingValues {
  const { justBelow, justAbove, worksBelow, worksAbove, atLimit, basisSupposed, withoutSupplier } = counts
  const purchasesInGroups = groups.reduce((total, { members }) => total + members.length, 0)
  const byPurpose = {
    works: { justBelow: worksBelow, justAbove: worksAbove },
    other: { justBelow: justBelow - worksBelow, justAbove: justAbove - worksAbove },
  }
  return {
    groups: groups.length,
    purchasesInGroups,
    justBelow,
    justAbove,
    byPurpose,
    atLimit,
    chance,
    bunched,
    basisSupposed,
    withoutSupplier,
  }
}

/** Groups first; what only lies near the limit is listed where there are remarkably many. */
function recordsOf(
  { groups, bunched }: SplittingResult,
  nearLimit: TopList<PurchaseRecord>,
  maxRecords: number,
): ReturnType<typeof listed> {
  const grouped = groups.flatMap(({ members, total, limit }, index) =>
    members.map(({ purchase, share }) =>
      toPurchaseRecord(purchase, share, { pattern: 'splitting', group: index + 1, total: formatMoney(total), limit: formatMoney(limit) }),
    ),
  )
  const near = bunched ? listed(nearLimit) : { items: [], total: 0 }
  return { items: [...grouped, ...near.items].slice(0, maxRecords), total: grouped.length + near.total }
}
