import type { ContractFacts } from '../contracts/contract.ts'
import { requireInteger } from '../errors.ts'
import { numberText } from '../findings/number-text.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { formatMoney, ratioOf } from '../values/money.ts'
import { defineListingRule, type ListingCounts } from './listing-rule.ts'
import type { RuleDefinition, RuleOptions, RuleRun } from './rule.ts'

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

interface GrowthCounts extends ListingCounts {
  strong: number
  typingErrors: number
  largestRatio: number
}

/** Compared on integers; contracts with no positive initial value have no ratio and are not looked at. */
export const amendmentGrowth: RuleDefinition<'amendment-growth', AmendmentGrowthOptions> = defineListingRule<
  'amendment-growth',
  AmendmentGrowthOptions,
  { readonly percent: number },
  GrowthCounts
>({
  id: 'amendment-growth',
  version: '1.0.0',
  title: { en: 'Growth by amendments', pt: 'Crescimento por aditivos' },
  description: {
    en: 'Contracts whose final value exceeds the initial value by more than the law allows as a rule (Lei 14.133, art. 125).',
    pt: 'Contratos cujo valor final supera o inicial além do que a lei em regra admite (Lei 14.133, art. 125).',
  },
  population: { en: 'contracts with an initial value above zero', pt: 'contratos com valor inicial maior que zero' },
  benignExplanations: [
    { en: 'a typing error in one of the two values', pt: 'um erro de digitação em um dos dois valores' },
    { en: 'renovation of buildings or equipment may grow by 50 %', pt: 'reformas de edifício ou equipamento admitem acréscimo de 50 %' },
    {
      en: 'the final value of a continuing service sums the renewals, which are not growth',
      pt: 'o valor final de serviço contínuo soma as prorrogações, que não são acréscimo',
    },
  ],
  counts: { population: 0, strong: 0, typingErrors: 0, largestRatio: 0 },
  resolve: (options) => ({ percent: requireInteger('maxGrowthPercent', options.maxGrowthPercent ?? DEFAULT_GROWTH_PERCENT, 0) }),
  look: (contract, { settings, counts }) => {
    const { initialValue, finalValue } = contract
    if (initialValue <= 0n) return undefined
    counts.population++
    if (grewBy(contract, STRONG_GROWTH_PERCENT)) counts.strong++
    const ratio = ratioOf(finalValue, initialValue, RATIO_DECIMALS)
    if (ratio > counts.largestRatio) counts.largestRatio = ratio
    if (!grewBy(contract, settings.percent)) return undefined
    const probableTypingError = finalValue > initialValue * TYPING_ERROR_FACTOR
    if (probableTypingError) counts.typingErrors++
    return { rank: [ratio, initialValue], facts: { ratio, finalValue: formatMoney(finalValue), probableTypingError } }
  },
  conclude: ({ settings: { percent }, counts, found }) => {
    const { strong, typingErrors, largestRatio } = counts
    return {
      severity: strong > typingErrors ? 'high' : 'medium',
      threshold: { ratio: (100 + percent) / 100, typingErrorRatio: Number(TYPING_ERROR_FACTOR) },
      statistics: { aboveThreshold: found, aboveOneAndAHalf: strong, probableTypingErrors: typingErrors, largestRatio },
      explanation: explain(found, counts, percent),
    }
  },
})

export function createAmendmentGrowth(options: AmendmentGrowthOptions = {}): RuleRun<ContractFacts> {
  return amendmentGrowth.start(options)
}

function grewBy({ initialValue, finalValue }: ContractFacts, percent: number): boolean {
  return finalValue * 100n > initialValue * BigInt(100 + percent)
}

function explain(found: number, { population, strong, typingErrors }: GrowthCounts, percent: number): LocalizedText {
  if (population === 0) return { en: 'No contract with a positive initial value.', pt: 'Nenhum contrato com valor inicial positivo.' }
  return {
    en: `${numberText(found, 'en')} of ${numberText(population, 'en')} contracts end more than ${percent} % above their initial value, ${numberText(strong, 'en')} more than 50 %; more than tenfold, probably by typing errors: ${numberText(typingErrors, 'en')}. ${found > 0 ? 'An indication that the amendments deserve a look.' : 'No indication.'}`,
    pt: `${numberText(found, 'pt')} de ${numberText(population, 'pt')} contratos terminam mais de ${percent} % acima do valor inicial, ${numberText(strong, 'pt')} mais de 50 %; mais de dez vezes, provavelmente por erro de digitação: ${numberText(typingErrors, 'pt')}. ${found > 0 ? 'É indício de que os aditivos merecem exame.' : 'Sem indício.'}`,
  }
}
