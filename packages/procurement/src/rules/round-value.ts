import type { ContractFacts } from '../contracts/contract.ts'
import { numberText } from '../findings/number-text.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { reais, type Money } from '../values/money.ts'
import { defineListingRule, type ListingCounts } from './listing-rule.ts'
import type { RuleDefinition, RuleOptions, RuleRun } from './rule.ts'

export type RoundValueOptions = RuleOptions

/** From the roundest on. */
const MULTIPLES = [100_000, 10_000, 1_000] as const
type Multiple = (typeof MULTIPLES)[number]

type RoundCounts = ListingCounts & Record<Multiple, number>

/** A multiple of 100,000 is also one of 10,000 and of 1,000, and counts as all three. */
export const roundValue: RuleDefinition<'round-value', RoundValueOptions> = defineListingRule<
  'round-value',
  RoundValueOptions,
  null,
  RoundCounts
>({
  id: 'round-value',
  version: '1.0.0',
  title: { en: 'Round values', pt: 'Valores redondos' },
  description: {
    en: 'Contracts whose initial value is a multiple of R$ 1,000, 10,000 or 100,000.',
    pt: 'Contratos cujo valor inicial é múltiplo de R$ 1.000, 10.000 ou 100.000.',
  },
  population: { en: 'contracts with an initial value above zero', pt: 'contratos com valor inicial maior que zero' },
  benignExplanations: [
    {
      en: 'the value is a ceiling of demand (price registration, fuel, travel), not a price',
      pt: 'o valor é um teto de demanda (registro de preços, combustível, passagens), não um preço',
    },
    {
      en: 'sponsorships, artistic fees and rents are agreed in round sums',
      pt: 'patrocínios, cachês e aluguéis são ajustados em somas redondas',
    },
  ],
  counts: { population: 0, 100_000: 0, 10_000: 0, 1_000: 0 },
  resolve: () => null,
  look: ({ initialValue }, { counts }) => {
    if (initialValue <= 0n) return undefined
    counts.population++
    const multiples = MULTIPLES.filter((multiple) => isMultiple(initialValue, multiple))
    for (const multiple of multiples) counts[multiple]++
    const [roundest] = multiples
    return roundest === undefined ? undefined : { rank: [roundest, initialValue], facts: { multipleOf: roundest } }
  },
  conclude: ({ counts }) => ({
    severity: counts[100_000] > 0 ? 'low' : 'info',
    threshold: { multiples: [1_000, 10_000, 100_000] },
    statistics: { multiplesOf1000: counts[1_000], multiplesOf10000: counts[10_000], multiplesOf100000: counts[100_000] },
    explanation: explain(counts.population, (multiple) => counts[multiple]),
  }),
})

export function createRoundValue(options: RoundValueOptions = {}): RuleRun<ContractFacts> {
  return roundValue.start(options)
}

function isMultiple(value: Money, multiple: Multiple): boolean {
  return value % reais(multiple) === 0n
}

function explain(population: number, countOf: (multiple: Multiple) => number): LocalizedText {
  if (population === 0) return { en: 'No contract with a positive value.', pt: 'Nenhum contrato com valor positivo.' }
  const [hundreds, tens, ones] = MULTIPLES.map(countOf)
  const found = (ones ?? 0) > 0
  return {
    en: `Of ${numberText(population, 'en')} values, ${numberText(ones ?? 0, 'en')} are multiples of R$ 1,000, ${numberText(tens ?? 0, 'en')} of R$ 10,000 and ${numberText(hundreds ?? 0, 'en')} of R$ 100,000. ${found ? 'A round value is a weak indication of an estimate in place of a price.' : 'No indication.'}`,
    pt: `De ${numberText(population, 'pt')} valores, ${numberText(ones ?? 0, 'pt')} são múltiplos de R$ 1.000, ${numberText(tens ?? 0, 'pt')} de R$ 10.000 e ${numberText(hundreds ?? 0, 'pt')} de R$ 100.000. ${found ? 'Um valor redondo é indício fraco de estimativa em lugar de preço.' : 'Sem indício.'}`,
  }
}
