import { daysBetween } from '../values/civil-date.ts'
import type { ContractFacts } from '../contracts/contract.ts'
import { requireInteger } from '../errors.ts'
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

export interface LatePublicationOptions extends RuleOptions {
  /** Most days from signature to publication that pass without remark. @default 30 */
  readonly maxDays?: number
}

const DEFAULT_MAX_DAYS = 30

const DESCRIPTION: RuleDescription<'late-publication'> = {
  id: 'late-publication',
  version: '1.0.0',
  title: { en: 'Late publication', pt: 'Publicação tardia' },
  description: {
    en: 'Contracts published in the official gazette long after they were signed.',
    pt: 'Contratos publicados no Diário Oficial muito depois de assinados.',
  },
}

const BENIGN: readonly LocalizedText[] = [
  { en: 'the extract was published again with a correction', pt: 'o extrato foi republicado com retificação' },
  { en: 'the last signature came later than the date in the document', pt: 'a última assinatura veio depois da data do documento' },
  { en: 'a typing error in one of the two dates', pt: 'um erro de digitação em uma das duas datas' },
]

export const latePublication: RuleDefinition<'late-publication', LatePublicationOptions> = { ...DESCRIPTION, start: createLatePublication }

interface DelayCounts {
  population: number
  beforeSignature: number
  largestDelayDays: number
}

export function createLatePublication(options: LatePublicationOptions = {}): RuleRun<ContractFacts> {
  const maxDays = requireInteger('maxDays', options.maxDays ?? DEFAULT_MAX_DAYS, 0)
  const list = new TopList<ContractRecord>(resolveMaxRecords(options))
  const counts: DelayCounts = { population: 0, beforeSignature: 0, largestDelayDays: 0 }
  return {
    rule: DESCRIPTION,
    add: (contract) => {
      const { signedOn, publishedOn, initialValue } = contract
      if (signedOn === null || publishedOn === null) return
      const days = daysBetween(signedOn, publishedOn)
      counts.population++
      counts.largestDelayDays = Math.max(counts.largestDelayDays, days)
      if (days < 0) counts.beforeSignature++
      if (days > maxDays) list.add([days, initialValue], contract, () => toContractRecord(contract, { days }))
    },
    finish: () => [conclude(list, counts, maxDays)],
  }
}

function conclude(list: TopList<ContractRecord>, counts: DelayCounts, maxDays: number): ReturnType<typeof toFinding> {
  const { population, beforeSignature, largestDelayDays } = counts
  return toFinding(DESCRIPTION, {
    outcome: outcomeOf(population, list.total),
    severity: list.total > 0 ? 'low' : 'info',
    population: {
      n: population,
      description: { en: 'contracts with dates of signature and publication', pt: 'contratos com datas de assinatura e de publicação' },
    },
    threshold: { days: maxDays },
    statistics: { late: list.total, publishedBeforeSignature: beforeSignature, largestDelayDays },
    records: listed(list),
    explanation: explain(list.total, counts, maxDays),
    benignExplanations: BENIGN,
  })
}

function explain(late: number, { population, largestDelayDays }: DelayCounts, maxDays: number): LocalizedText {
  if (population === 0) return { en: 'No contract with both dates.', pt: 'Nenhum contrato com as duas datas.' }
  return {
    en: `${numberText(late, 'en')} of ${numberText(population, 'en')} contracts were published more than ${maxDays} days after signature, the latest after ${numberText(largestDelayDays, 'en')}. ${late > 0 ? 'An indication of weak transparency, no more.' : 'No indication.'}`,
    pt: `${numberText(late, 'pt')} de ${numberText(population, 'pt')} contratos foram publicados mais de ${maxDays} dias após a assinatura, o último após ${numberText(largestDelayDays, 'pt')}. ${late > 0 ? 'É indício de pouca transparência, nada mais.' : 'Sem indício.'}`,
  }
}
