import type { ContractFacts } from '../contracts/contract.ts'
import { toContractRecord, type ContractRecord } from '../findings/finding-record.ts'
import { numberText } from '../findings/number-text.ts'
import { TopList } from '../findings/top-list.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { isIdentified } from '../contracts/supplier.ts'
import { ContractIndex } from './contract-index.ts'
import {
  outcomeOf,
  resolveMaxRecords,
  toFinding,
  type FindingParts,
  type RuleDefinition,
  type RuleDescription,
  type RuleOptions,
  type RuleRun,
} from './rule.ts'

export type DuplicateContractOptions = RuleOptions

const DESCRIPTION: RuleDescription<'duplicate-contract'> = {
  id: 'duplicate-contract',
  version: '1.0.0',
  title: { en: 'Probable duplicates', pt: 'Prováveis duplicidades' },
  description: {
    en: 'Contracts of the same unit with the same supplier, value and date of signature.',
    pt: 'Contratos da mesma unidade com o mesmo fornecedor, valor e data de assinatura.',
  },
}

const BENIGN: readonly LocalizedText[] = [
  {
    en: 'one purchase in several lots or for several sites, at a fixed price, such as army water-truck contracts',
    pt: 'uma compra em vários lotes ou para vários locais, a preço fixo, como os contratos de carros-pipa do Exército',
  },
  { en: 'the Portal lists a contract twice', pt: 'o Portal lista um contrato duas vezes' },
]

export const duplicateContract: RuleDefinition<'duplicate-contract', DuplicateContractOptions> = {
  ...DESCRIPTION,
  start: createDuplicateContract,
}

interface DuplicateCounts {
  population: number
  groups: number
  groupsAnyDay: number
  contractsAnyDay: number
}

/** Hidden suppliers are left out, since nobody knows whether two of them are the same. */
export function createDuplicateContract(options: DuplicateContractOptions = {}): RuleRun<ContractFacts> {
  const index = new ContractIndex()
  const list = new TopList<ContractRecord>(resolveMaxRecords(options))
  const counts: DuplicateCounts = { population: 0, groups: 0, groupsAnyDay: 0, contractsAnyDay: 0 }
  const add = (contract: ContractFacts): void => {
    list.add([contract.initialValue, ...rankOfGroup(contract)], contract, () => toContractRecord(contract, {}))
  }
  return {
    rule: DESCRIPTION,
    add: (contract) => {
      if (!isIdentified(contract.supplier)) return
      counts.population++
      const { sameDay, anyDay, first } = index.add(contract)
      if (anyDay === 1) counts.groupsAnyDay++
      if (anyDay > 0) counts.contractsAnyDay += anyDay === 1 ? 2 : 1
      if (sameDay === 0) return
      if (first !== undefined) {
        counts.groups++
        add({ ...contract, ...first })
      }
      add(contract)
    },
    finish: () => [conclude(list, counts)],
  }
}

/** Keeps the contracts of a group together in the list, among groups of the same value. */
function rankOfGroup({ unit, supplier, signedOn }: ContractFacts): readonly number[] {
  return [-Number(unit.code.replaceAll(/\D/g, '')), -Number(supplier.code.replaceAll(/\D/g, '')), 0 - (signedOn ?? 0)]
}

function conclude(list: TopList<ContractRecord>, counts: DuplicateCounts): ReturnType<typeof toFinding> {
  const { population, groups, groupsAnyDay, contractsAnyDay } = counts
  return toFinding(DESCRIPTION, {
    outcome: outcomeOf(population, list.total),
    severity: list.total > 0 ? 'medium' : 'info',
    population: {
      n: population,
      description: { en: 'contracts whose supplier is known', pt: 'contratos cujo fornecedor é conhecido' },
    },
    threshold: { groupSize: 2 },
    statistics: { contracts: list.total, groups, contractsWhateverTheDate: contractsAnyDay, groupsWhateverTheDate: groupsAnyDay },
    records: numbered(list),
    explanation: explain(list.total, counts),
    benignExplanations: BENIGN,
  })
}

/** Numbers the groups in the order in which they are listed. */
function numbered(list: TopList<ContractRecord>): FindingParts['records'] {
  const groups = new Map<string, number>()
  const items = list.items().map((record) => {
    const key = JSON.stringify([record.unit.code, record.supplier.code, record.value, record.signedOn])
    const group = groups.get(key) ?? groups.size + 1
    groups.set(key, group)
    return { ...record, facts: { group } }
  })
  return { items, total: list.total }
}

function explain(contracts: number, { population, groups }: DuplicateCounts): LocalizedText {
  if (population === 0) return { en: 'No contract with a known supplier.', pt: 'Nenhum contrato com fornecedor conhecido.' }
  return {
    en: `${numberText(contracts, 'en')} of ${numberText(population, 'en')} contracts form ${numberText(groups, 'en')} groups of the same unit, supplier, value and date. ${contracts > 0 ? 'An indication of entries or payments made twice, to be checked.' : 'No indication.'}`,
    pt: `${numberText(contracts, 'pt')} de ${numberText(population, 'pt')} contratos formam ${numberText(groups, 'pt')} grupos de mesma unidade, fornecedor, valor e data. ${contracts > 0 ? 'É indício de registro ou pagamento em dobro, a conferir.' : 'Sem indício.'}`,
  }
}
