import type { ContractFacts } from '../contracts/contract.ts'
import { toContractRecord, type ContractRecord } from '../findings/finding-record.ts'
import { numberText } from '../findings/number-text.ts'
import { TopList } from '../findings/top-list.ts'
import type { LocalizedText } from '../values/localized-text.ts'
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

export type InvalidIdentifierOptions = RuleOptions

const DESCRIPTION: RuleDescription<'invalid-identifier'> = {
  id: 'invalid-identifier',
  version: '1.0.0',
  title: { en: 'Supplier numbers with wrong check digits', pt: 'CNPJ ou CPF com dígito verificador errado' },
  description: {
    en: 'CNPJ and CPF whose check digits (modulo 11) do not follow from their other digits.',
    pt: 'CNPJ e CPF cujos dígitos verificadores (módulo 11) não decorrem dos demais.',
  },
}

const BENIGN: readonly LocalizedText[] = [
  { en: 'a typing error in the number', pt: 'um erro de digitação no número' },
  { en: 'a foreign or internal code put where the number belongs', pt: 'um código estrangeiro ou interno posto no lugar do número' },
]

export const invalidIdentifier: RuleDefinition<'invalid-identifier', InvalidIdentifierOptions> = {
  ...DESCRIPTION,
  start: createInvalidIdentifier,
}

/** Numbers that the source publishes masked cannot be checked and are counted apart. */
export function createInvalidIdentifier(options: InvalidIdentifierOptions = {}): RuleRun<ContractFacts> {
  const list = new TopList<ContractRecord>(resolveMaxRecords(options))
  const counts = { population: 0, notCheckable: 0 }
  return {
    rule: DESCRIPTION,
    add: (contract) => {
      const { check, kind } = contract.supplier
      if (check === 'not-checkable') {
        counts.notCheckable++
        return
      }
      counts.population++
      if (check === 'invalid') list.add([contract.initialValue], contract, () => toContractRecord(contract, { identifier: kind }))
    },
    finish: () => [conclude(list, counts)],
  }
}

function conclude(list: TopList<ContractRecord>, counts: { population: number; notCheckable: number }): ReturnType<typeof toFinding> {
  const { population, notCheckable } = counts
  const found = list.total
  const verdict: LocalizedText =
    found > 0
      ? { en: 'An indication of careless data, no more.', pt: 'É indício de dado descuidado, nada mais.' }
      : { en: 'No indication.', pt: 'Sem indício.' }
  return toFinding(DESCRIPTION, {
    outcome: outcomeOf(population, found),
    severity: found > 0 ? 'medium' : 'info',
    population: {
      n: population,
      description: {
        en: 'contracts whose supplier has an unmasked CNPJ or CPF',
        pt: 'contratos cujo fornecedor tem CNPJ ou CPF não mascarado',
      },
    },
    threshold: { modulus: 11 },
    statistics: { invalid: found, notCheckable },
    records: listed(list),
    explanation: {
      en: `${numberText(found, 'en')} of ${numberText(population, 'en')} numbers have wrong check digits; ${numberText(notCheckable, 'en')} could not be checked. ${verdict.en}`,
      pt: `${numberText(found, 'pt')} de ${numberText(population, 'pt')} números têm dígitos verificadores errados; ${numberText(notCheckable, 'pt')} não puderam ser conferidos. ${verdict.pt}`,
    },
    benignExplanations: BENIGN,
  })
}
