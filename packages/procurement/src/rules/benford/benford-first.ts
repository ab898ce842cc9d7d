import type { ContractFacts } from '../../contracts/contract.ts'
import { requireInteger } from '../../errors.ts'
import { leadingDigits } from '../../values/money.ts'
import { FIRST_DIGIT, testBenford } from './benford-statistics.ts'
import { BENFORD_BENIGN, benfordPopulation, benfordStatistics, benfordThreshold, explainBenford, judge } from './benford-text.ts'
import { NO_RECORDS, toFinding, type RuleDefinition, type RuleDescription, type RuleOptions, type RuleRun } from '../rule.ts'

export interface BenfordFirstOptions extends RuleOptions {
  /** Fewest values to judge. Below 110 the digit 9 is expected fewer than five times. @default 110 */
  readonly minimumPopulation?: number
}

const DEFAULT_MINIMUM = 110

const DESCRIPTION: RuleDescription<'benford-first'> = {
  id: 'benford-first',
  version: '1.0.0',
  title: { en: "First digits against Benford's law", pt: 'Primeiros dígitos e a lei de Benford' },
  description: {
    en: 'Compares how often initial values begin with each digit with what natural amounts do.',
    pt: 'Compara a frequência do primeiro dígito dos valores iniciais com a dos valores naturais.',
  },
}

export const benfordFirst: RuleDefinition<'benford-first', BenfordFirstOptions> = { ...DESCRIPTION, start: createBenfordFirst }

/** The digits of the population as a whole; it singles out no contract. */
export function createBenfordFirst(options: BenfordFirstOptions = {}): RuleRun<ContractFacts> {
  const minimum = requireInteger('minimumPopulation', options.minimumPopulation ?? DEFAULT_MINIMUM, 1)
  const counts = new Array<number>(10).fill(0)
  return {
    rule: DESCRIPTION,
    add: ({ initialValue }) => {
      if (initialValue <= 0n) return
      const { first } = leadingDigits(initialValue)
      counts[first] = (counts[first] ?? 0) + 1
    },
    finish: () => {
      const result = testBenford(counts, FIRST_DIGIT)
      const verdict = judge(result, FIRST_DIGIT, minimum)
      return [
        toFinding(DESCRIPTION, {
          ...verdict,
          population: benfordPopulation(result.n),
          threshold: benfordThreshold(FIRST_DIGIT, minimum),
          statistics: benfordStatistics(result, FIRST_DIGIT),
          records: NO_RECORDS,
          explanation: explainBenford(result, FIRST_DIGIT, verdict),
          benignExplanations: BENFORD_BENIGN,
        }),
      ]
    },
  }
}
