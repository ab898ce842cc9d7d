import { factsOf, type ContractFacts } from '../../contracts/contract.ts'
import { requireInteger } from '../../errors.ts'
import { toContractRecord } from '../../findings/finding-record.ts'
import { TopList } from '../../findings/top-list.ts'
import type { LocalizedText } from '../../values/localized-text.ts'
import { leadingDigits } from '../../values/money.ts'
import { FIRST_TWO_DIGITS, testBenford, type BenfordBin, type BenfordResult } from './benford-statistics.ts'
import { BENFORD_BENIGN, benfordPopulation, benfordStatistics, benfordThreshold, explainBenford, judge } from './benford-text.ts'
import {
  NO_RECORDS,
  toFinding,
  type FindingParts,
  type RuleDefinition,
  type RuleDescription,
  type RuleOptions,
  type RuleRun,
} from '../rule.ts'

export interface BenfordFirstTwoOptions extends RuleOptions {
  /** Fewest values to judge. @default 300 */
  readonly minimumPopulation?: number
  /** Most suspects listed of each pair of digits; bounds what is kept while reading. @default 200 */
  readonly maxRecordsPerPair?: number
}

const DEFAULTS = { minimumPopulation: 300, maxRecordsPerPair: 200 }
const SUSPECT_PAIRS = 2

const DESCRIPTION: RuleDescription<'benford-first-two'> = {
  id: 'benford-first-two',
  version: '1.0.0',
  title: { en: "First two digits against Benford's law", pt: 'Dois primeiros dígitos e a lei de Benford' },
  description: {
    en: 'Finds the pairs of leading digits that appear far more often than natural amounts have them. Never enough alone.',
    pt: 'Encontra os pares de dígitos iniciais muito mais frequentes que em valores naturais. Nunca basta sozinha.',
  },
}

export const benfordFirstTwo: RuleDefinition<'benford-first-two', BenfordFirstTwoOptions> = {
  ...DESCRIPTION,
  start: createBenfordFirstTwo,
}

/**
 * The suspects are the records of the two pairs that move the sample furthest from the law: those with the largest
 * term o·ln(o/e) of its divergence. The bare difference |o−e| would name pairs that are seen too seldom, which have
 * no records to look at, and always the frequent pairs first; o/e alone would name pairs with a handful of records.
 */
export function createBenfordFirstTwo(options: BenfordFirstTwoOptions = {}): RuleRun<ContractFacts> {
  const minimum = requireInteger('minimumPopulation', options.minimumPopulation ?? DEFAULTS.minimumPopulation, 1)
  const perPair = requireInteger('maxRecordsPerPair', options.maxRecordsPerPair ?? DEFAULTS.maxRecordsPerPair, 0)
  const counts = new Array<number>(100).fill(0)
  const suspects = new Map<number, TopList<ContractFacts>>()
  return {
    rule: DESCRIPTION,
    add: (contract) => {
      if (contract.initialValue <= 0n) return
      const { firstTwo } = leadingDigits(contract.initialValue)
      counts[firstTwo] = (counts[firstTwo] ?? 0) + 1
      const list = suspects.get(firstTwo) ?? new TopList<ContractFacts>(Math.min(perPair, options.maxRecords ?? perPair))
      suspects.set(firstTwo, list)
      list.add([contract.initialValue], contract, () => factsOf(contract))
    },
    finish: () => [conclude(testBenford(counts, FIRST_TWO_DIGITS), minimum, suspects)],
  }
}

function conclude(
  result: BenfordResult,
  minimum: number,
  suspects: ReadonlyMap<number, TopList<ContractFacts>>,
): ReturnType<typeof toFinding> {
  const graded = judge(result, FIRST_TWO_DIGITS, minimum)
  // One population has ninety pairs, so some stand out by chance: alone it never weighs more than little.
  const verdict = { ...graded, severity: graded.outcome === 'indication' ? ('low' as const) : ('info' as const) }
  const worst = result.bins.toSorted((left, right) => excess(right) - excess(left) || left.digits - right.digits).slice(0, SUSPECT_PAIRS)
  return toFinding(DESCRIPTION, {
    ...verdict,
    population: benfordPopulation(result.n),
    threshold: benfordThreshold(FIRST_TWO_DIGITS, minimum),
    statistics: {
      ...benfordStatistics(result, FIRST_TWO_DIGITS),
      worstPairs: worst.map(({ digits, observed, expected }) => ({ digits, observed, expected })),
      standsAlone: false,
    },
    records: verdict.outcome === 'indication' ? recordsOf(worst, suspects) : NO_RECORDS,
    explanation: withCaution(explainBenford(result, FIRST_TWO_DIGITS, verdict)),
    benignExplanations: BENFORD_BENIGN,
  })
}

function excess({ observed, expected }: BenfordBin): number {
  return observed === 0 ? 0 : observed * Math.log(observed / expected)
}

function recordsOf(pairs: readonly BenfordBin[], suspects: ReadonlyMap<number, TopList<ContractFacts>>): FindingParts['records'] {
  const items = pairs.flatMap(({ digits }) => {
    const contracts = suspects.get(digits)?.items() ?? []
    return contracts.map((contract) => toContractRecord(contract, { firstTwoDigits: digits }))
  })
  return { items, total: pairs.reduce((total, pair) => total + pair.observed, 0) }
}

function withCaution({ en, pt }: LocalizedText): LocalizedText {
  return {
    en: `${en} This rule never stands alone: look at a record only where another rule names it too.`,
    pt: `${pt} Esta regra nunca basta sozinha: examine um registro apenas onde outra regra também o aponta.`,
  }
}
