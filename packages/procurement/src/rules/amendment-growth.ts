import type { ContractFacts } from '../contracts/contract.ts'
import { requireInteger } from '../errors.ts'
import type { Severity } from '../findings/finding.ts'
import { toContractRecord, type ContractRecord } from '../findings/finding-record.ts'
import { numberText } from '../findings/number-text.ts'
import { TopList } from '../findings/top-list.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { formatMoney, ratioOf } from '../values/money.ts'
import {
  listed,
  outcomeOf,
  resolveMaxRecords,
  toFinding,
  type RuleDefinition,
  type RuleDescription,
  type RuleOptions,
  type RuleRun,
} from './rule.ts'

export interface AmendmentGrowthOptions extends RuleOptions {
  /** Growth of the value by amendments above which a contract is listed, in per cent. @default 25 */
  readonly maxGrowthPercent?: number
}

const DEFAULT_GROWTH_PERCENT = 25
const STRONG_GROWTH_PERCENT = 50
/** Ten times the initial value is hardly an amendment: a misplaced comma is likelier. */
const TYPING_ERROR_FACTOR = 10n
/** Enough that a contract just above the limit does not read as one at the limit. */
const RATIO_DECIMALS = 9

const DESCRIPTION: RuleDescription<'amendment-growth'> = {
  id: 'amendment-growth',
  version: '1.0.0',
  title: { en: 'Growth by amendments', pt: 'Crescimento por aditivos' },
  description: {
    en: 'Contracts whose final value exceeds the initial value by more than the law allows as a rule (Lei 14.133, art. 125).',
    pt: 'Contratos cujo valor final supera o inicial além do que a lei em regra admite (Lei 14.133, art. 125).',
  },
}

const BENIGN: readonly LocalizedText[] = [
  { en: 'a typing error in one of the two values', pt: 'um erro de digitação em um dos dois valores' },
  { en: 'renovation of buildings or equipment may grow by 50 %', pt: 'reformas de edifício ou equipamento admitem acréscimo de 50 %' },
  {
    en: 'the final value of a continuing service sums the renewals, which are not growth',
    pt: 'o valor final de serviço contínuo soma as prorrogações, que não são acréscimo',
  },
]

export const amendmentGrowth: RuleDefinition<'amendment-growth', AmendmentGrowthOptions> = { ...DESCRIPTION, start: createAmendmentGrowth }

/** Compared on integers; contracts with no positive initial value have no ratio and are not looked at. */
export function createAmendmentGrowth(options: AmendmentGrowthOptions = {}): RuleRun<ContractFacts> {
  const percent = requireInteger('maxGrowthPercent', options.maxGrowthPercent ?? DEFAULT_GROWTH_PERCENT, 0)
  const list = new TopList<ContractRecord>(resolveMaxRecords(options))
  const counts: GrowthCounts = { population: 0, strong: 0, typingErrors: 0, largestRatio: 0 }
  return {
    rule: DESCRIPTION,
    add: (contract) => {
      const { initialValue, finalValue } = contract
      if (initialValue <= 0n) return
      counts.population++
      if (grewBy(contract, STRONG_GROWTH_PERCENT)) counts.strong++
      const ratio = ratioOf(finalValue, initialValue, RATIO_DECIMALS)
      if (ratio > counts.largestRatio) counts.largestRatio = ratio
      if (!grewBy(contract, percent)) return
      const probableTypingError = finalValue > initialValue * TYPING_ERROR_FACTOR
      if (probableTypingError) counts.typingErrors++
      const facts = { ratio, finalValue: formatMoney(finalValue), probableTypingError }
      list.add([ratio, initialValue], contract, () => toContractRecord(contract, facts))
    },
    finish: () => [conclude(list, counts, percent)],
  }
}

interface GrowthCounts {
  population: number
  strong: number
  typingErrors: number
  largestRatio: number
}

function grewBy({ initialValue, finalValue }: ContractFacts, percent: number): boolean {
  return finalValue * 100n > initialValue * BigInt(100 + percent)
}

function conclude(list: TopList<ContractRecord>, counts: GrowthCounts, percent: number): ReturnType<typeof toFinding> {
  const { population, strong, typingErrors, largestRatio } = counts
  return toFinding(DESCRIPTION, {
    outcome: outcomeOf(population, list.total),
    severity: severityOf(list.total, counts),
    population: {
      n: population,
      description: { en: 'contracts with an initial value above zero', pt: 'contratos com valor inicial maior que zero' },
    },
    threshold: { ratio: (100 + percent) / 100, typingErrorRatio: Number(TYPING_ERROR_FACTOR) },
    statistics: { aboveThreshold: list.total, aboveOneAndAHalf: strong, probableTypingErrors: typingErrors, largestRatio },
    records: listed(list),
    explanation: explain(list.total, counts, percent),
    benignExplanations: BENIGN,
  })
}

function severityOf(found: number, { strong, typingErrors }: GrowthCounts): Severity {
  if (found === 0) return 'info'
  return strong > typingErrors ? 'high' : 'medium'
}

function explain(found: number, { population, strong, typingErrors }: GrowthCounts, percent: number): LocalizedText {
  if (population === 0) return { en: 'No contract with a positive initial value.', pt: 'Nenhum contrato com valor inicial positivo.' }
  return {
    en: `${numberText(found, 'en')} of ${numberText(population, 'en')} contracts end more than ${percent} % above their initial value, ${numberText(strong, 'en')} more than 50 %; more than tenfold, probably by typing errors: ${numberText(typingErrors, 'en')}. ${found > 0 ? 'An indication that the amendments deserve a look.' : 'No indication.'}`,
    pt: `${numberText(found, 'pt')} de ${numberText(population, 'pt')} contratos terminam mais de ${percent} % acima do valor inicial, ${numberText(strong, 'pt')} mais de 50 %; mais de dez vezes, provavelmente por erro de digitação: ${numberText(typingErrors, 'pt')}. ${found > 0 ? 'É indício de que os aditivos merecem exame.' : 'Sem indício.'}`,
  }
}
