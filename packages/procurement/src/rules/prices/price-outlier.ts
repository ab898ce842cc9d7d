import { ProcurementOptionError, requireInteger } from '../../errors.ts'
import { toItemRecord, type ItemRecord } from '../../findings/finding-record.ts'
import { TopList } from '../../findings/top-list.ts'
import type { PricedItem } from '../../items/item.ts'
import { isSingle } from '../../values/quantity.ts'
import {
  listed,
  outcomeOf,
  resolveMaxRecords,
  toFinding,
  type RuleDefinition,
  type RuleDescription,
  type RuleOptions,
  type RuleRun,
} from '../rule.ts'
import { explainPrices, PRICE_BENIGN, PRICE_POPULATION } from './price-text.ts'
import { modifiedZ, robustSpread, type RobustSpread } from './robust-spread.ts'

export interface PriceOutlierOptions extends RuleOptions {
  /** Fewest items of one description to compare their prices. @default 10 */
  readonly minimumItems?: number
  /** Modified z-score above which a price is dear, and below whose negative it is cheap. @default 3.5 */
  readonly maxScore?: number
  /** Which items are judged; the others only tell what is usual. @default all */
  readonly isMeant?: (item: PricedItem) => boolean
}

const DEFAULTS = { minimumItems: 10, maxScore: 3.5, isMeant: (): boolean => true }

const DESCRIPTION: RuleDescription<'price-outlier'> = {
  id: 'price-outlier',
  version: '1.0.0',
  title: { en: 'Unit prices far above the usual', pt: 'Preços unitários muito acima do usual' },
  description: {
    en: 'Compares the unit price of each item with those of items of the same description (modified z-score of the logarithm).',
    pt: 'Compara o preço unitário de cada item com o dos itens de mesma descrição (escore z modificado do logaritmo).',
  },
}

export const priceOutlier: RuleDefinition<'price-outlier', PriceOutlierOptions, PricedItem> = { ...DESCRIPTION, start: createPriceOutlier }

/** Items of one description. */
type PriceGroup = readonly PricedItem[]

export interface PriceCounts {
  /** Items that are meant, in groups that are large enough. */
  population: number
  groups: number
  /** Of the population: more than half of their group have one price, so there is no scale to measure by. */
  withoutSpread: number
  dear: number
  cheap: number
}

/**
 * Dear items are listed; cheap ones are counted, never called dear. Every item is kept until the end, since the
 * median of its description is known only then.
 */
export function createPriceOutlier(options: PriceOutlierOptions = {}): RuleRun<PricedItem> {
  const limits = resolveLimits(options)
  const groups = new Map<string, PricedItem[]>()
  return {
    rule: DESCRIPTION,
    add: (item) => {
      if (item.unitPrice <= 0n || item.description === '') return
      const group = groups.get(item.description)
      if (group === undefined) groups.set(item.description, [pricedFacts(item)])
      else group.push(pricedFacts(item))
    },
    finish: () => [conclude(groups, limits)],
  }
}

type Limits = Required<PriceOutlierOptions>

function resolveLimits(options: PriceOutlierOptions): Limits {
  const maxScore = options.maxScore ?? DEFAULTS.maxScore
  if (!Number.isFinite(maxScore) || maxScore <= 0) throw new ProcurementOptionError(`maxScore must be above 0, got ${maxScore}`)
  const minimumItems = requireInteger('minimumItems', options.minimumItems ?? DEFAULTS.minimumItems, 3)
  return { minimumItems, maxScore, isMeant: options.isMeant ?? DEFAULTS.isMeant, maxRecords: resolveMaxRecords(options) }
}

/** Without the long texts that a source may carry. */
function pricedFacts({ file, row, line, contractNumber, unit, code, description, quantity, unitPrice, supplier }: PricedItem): PricedItem {
  return { file, row, line, contractNumber, unit, code, description, quantity, unitPrice, supplier }
}

function conclude(groups: ReadonlyMap<string, PriceGroup>, limits: Limits): ReturnType<typeof toFinding> {
  const list = new TopList<ItemRecord>(limits.maxRecords)
  const counts: PriceCounts = { population: 0, groups: 0, withoutSpread: 0, dear: 0, cheap: 0 }
  for (const group of groups.values()) if (group.length >= limits.minimumItems) judgeGroup(group, { limits, counts, list })
  const { population, withoutSpread, dear, cheap } = counts
  return toFinding(DESCRIPTION, {
    outcome: outcomeOf(population, dear),
    severity: dear > 0 ? 'medium' : 'info',
    population: { n: population, description: PRICE_POPULATION },
    threshold: { modifiedZ: limits.maxScore, minimumItems: limits.minimumItems },
    statistics: { dear, cheap, dearOrCheap: dear + cheap, descriptions: counts.groups, itemsWithoutSpread: withoutSpread },
    records: listed(list),
    explanation: explainPrices(counts, limits.maxScore),
    benignExplanations: PRICE_BENIGN,
  })
}

interface Judging {
  readonly limits: Limits
  readonly counts: PriceCounts
  readonly list: TopList<ItemRecord>
}

function judgeGroup(group: PriceGroup, { limits, counts, list }: Judging): void {
  const meant = [...group.entries()].filter(([, item]) => limits.isMeant(item))
  if (meant.length === 0) return
  const logs = Float64Array.from(group, ({ unitPrice }) => Math.log(Number(unitPrice)))
  const spread = robustSpread(logs)
  counts.population += meant.length
  counts.groups++
  if (spread.medianAbsoluteDeviation === 0) {
    counts.withoutSpread += meant.length
    return
  }
  for (const [index, item] of meant) {
    const score = modifiedZ(logs[index] ?? Number.NaN, spread)
    if (score < -limits.maxScore) counts.cheap++
    if (score <= limits.maxScore) continue
    counts.dear++
    list.add([score, item.unitPrice], item, () => toItemRecord(item, factsOf(item, { score, spread, items: group.length })))
  }
}

interface Score {
  readonly score: number
  readonly spread: RobustSpread
  readonly items: number
}

function factsOf({ unitPrice, quantity }: PricedItem, { score, spread, items }: Score): ItemRecord['facts'] {
  const usual = Math.exp(spread.median)
  return {
    modifiedZ: score,
    // Of an even number of prices this is the geometric mean of the middle two.
    medianPrice: (usual / 10_000).toFixed(4),
    timesMedian: Number(unitPrice) / usual,
    itemsCompared: items,
    probableLumpSum: isSingle(quantity),
  }
}
