import type { ContractFacts } from '../contracts/contract.ts'
import { numberText } from '../findings/number-text.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { defineListingRule, type ListingCounts } from './listing-rule.ts'
import type { RuleDefinition, RuleOptions, RuleRun } from './rule.ts'

export type InvalidIdentifierOptions = RuleOptions

interface IdentifierCounts extends ListingCounts {
  notCheckable: number
}

/** Numbers that the source publishes masked cannot be checked and are counted apart. */
export const invalidIdentifier: RuleDefinition<'invalid-identifier', InvalidIdentifierOptions> = defineListingRule<
  'invalid-identifier',
  InvalidIdentifierOptions,
  null,
  IdentifierCounts
>({
  id: 'invalid-identifier',
  version: '1.0.0',
  title: { en: 'Supplier numbers with wrong check digits', pt: 'CNPJ ou CPF com dígito verificador errado' },
  description: {
    en: 'CNPJ and CPF whose check digits (modulo 11) do not follow from their other digits.',
    pt: 'CNPJ e CPF cujos dígitos verificadores (módulo 11) não decorrem dos demais.',
  },
  population: {
    en: 'contracts whose supplier has an unmasked CNPJ or CPF',
    pt: 'contratos cujo fornecedor tem CNPJ ou CPF não mascarado',
  },
  benignExplanations: [
    { en: 'a typing error in the number', pt: 'um erro de digitação no número' },
    { en: 'a foreign or internal code put where the number belongs', pt: 'um código estrangeiro ou interno posto no lugar do número' },
  ],
  counts: { population: 0, notCheckable: 0 },
  resolve: () => null,
  look: ({ supplier: { check, kind }, initialValue }, { counts }) => {
    if (check === 'not-checkable') {
      counts.notCheckable++
      return undefined
    }
    counts.population++
    return check === 'invalid' ? { rank: [initialValue], facts: { identifier: kind } } : undefined
  },
  conclude: ({ counts, found }) => ({
    severity: 'medium',
    threshold: { modulus: 11 },
    statistics: { invalid: found, notCheckable: counts.notCheckable },
    explanation: explain(found, counts),
  }),
})

export function createInvalidIdentifier(options: InvalidIdentifierOptions = {}): RuleRun<ContractFacts> {
  return invalidIdentifier.start(options)
}

function explain(found: number, { population, notCheckable }: IdentifierCounts): LocalizedText {
  const verdict: LocalizedText =
    found > 0
      ? { en: 'An indication of careless data, no more.', pt: 'É indício de dado descuidado, nada mais.' }
      : { en: 'No indication.', pt: 'Sem indício.' }
  return {
    en: `${numberText(found, 'en')} of ${numberText(population, 'en')} numbers have wrong check digits; ${numberText(notCheckable, 'en')} could not be checked. ${verdict.en}`,
    pt: `${numberText(found, 'pt')} de ${numberText(population, 'pt')} números têm dígitos verificadores errados; ${numberText(notCheckable, 'pt')} não puderam ser conferidos. ${verdict.pt}`,
  }
}
