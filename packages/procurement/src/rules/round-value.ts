import type { ContractFacts } from '../contracts/contract.ts'
import { toContractRecord, type ContractRecord } from '../findings/finding-record.ts'
import { numberText } from '../findings/number-text.ts'
import { TopList } from '../findings/top-list.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { reais, type Money } from '../values/money.ts'
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

export type RoundValueOptions = RuleOptions

/** From the roundest on. */
const MULTIPLES = [100_000, 10_000, 1_000] as const
type Multiple = (typeof MULTIPLES)[number]

const DESCRIPTION: RuleDescription<'round-value'> = {
  id: 'round-value',
  version: '1.0.0',
  title: { en: 'Round values', pt: 'Valores redondos' },
  description: {
    en: 'Contracts whose initial value is a multiple of R$ 1,000, 10,000 or 100,000.',
    pt: 'Contratos cujo valor inicial é múltiplo de R$ 1.000, 10.000 ou 100.000.',
  },
}

const BENIGN: readonly LocalizedText[] = [
  {
    en: 'the value is a ceiling of demand (price registration, fuel, travel), not a price',
    pt: 'o valor é um teto de demanda (registro de preços, combustível, passagens), não um preço',
  },
  {
    en: 'sponsorships, artistic fees and rents are agreed in round sums',
    pt: 'patrocínios, cachês e aluguéis são ajustados em somas redondas',
  },
]

export const roundValue: RuleDefinition<'round-value', RoundValueOptions> = { ...DESCRIPTION, start: createRoundValue }

/** A multiple of 100,000 is also one of 10,000 and of 1,000, and counts as all three. */
export function createRoundValue(options: RoundValueOptions = {}): RuleRun<ContractFacts> {
  const list = new TopList<ContractRecord>(resolveMaxRecords(options))
  const counts = new Map<Multiple, number>()
  let population = 0
  return {
    rule: DESCRIPTION,
    add: (contract) => {
      if (contract.initialValue <= 0n) return
      population++
      const multiples = MULTIPLES.filter((multiple) => isMultiple(contract.initialValue, multiple))
      for (const multiple of multiples) counts.set(multiple, (counts.get(multiple) ?? 0) + 1)
      const [roundest] = multiples
      if (roundest === undefined) return
      list.add([roundest, contract.initialValue], contract, () => toContractRecord(contract, { multipleOf: roundest }))
    },
    finish: () => [conclude(list, population, (multiple) => counts.get(multiple) ?? 0)],
  }
}

function isMultiple(value: Money, multiple: Multiple): boolean {
  return value % reais(multiple) === 0n
}

function conclude(
  list: TopList<ContractRecord>,
  population: number,
  countOf: (multiple: Multiple) => number,
): ReturnType<typeof toFinding> {
  return toFinding(DESCRIPTION, {
    outcome: outcomeOf(population, list.total),
    severity: countOf(100_000) > 0 ? 'low' : 'info',
    population: {
      n: population,
      description: { en: 'contracts with an initial value above zero', pt: 'contratos com valor inicial maior que zero' },
    },
    threshold: { multiples: [1_000, 10_000, 100_000] },
    statistics: { multiplesOf1000: countOf(1_000), multiplesOf10000: countOf(10_000), multiplesOf100000: countOf(100_000) },
    records: listed(list),
    explanation: explain(population, countOf),
    benignExplanations: BENIGN,
  })
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
