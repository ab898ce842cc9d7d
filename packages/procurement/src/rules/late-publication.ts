import type { ContractFacts } from '../contracts/contract.ts'
import { requireInteger } from '../errors.ts'
import { numberText } from '../findings/number-text.ts'
import { daysBetween } from '../values/civil-date.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { defineListingRule, type ListingCounts } from './listing-rule.ts'
import type { RuleDefinition, RuleOptions, RuleRun } from './rule.ts'

export interface LatePublicationOptions extends RuleOptions {
  /** Most days from signature to publication that pass without remark. @default 30 */
  readonly maxDays?: number
}

const DEFAULT_MAX_DAYS = 30

interface DelayCounts extends ListingCounts {
  beforeSignature: number
  largestDelayDays: number
}

export const latePublication: RuleDefinition<'late-publication', LatePublicationOptions> = defineListingRule<
  'late-publication',
  LatePublicationOptions,
  { readonly maxDays: number },
  DelayCounts
>({
  id: 'late-publication',
  version: '1.0.0',
  title: { en: 'Late publication', pt: 'Publicação tardia' },
  description: {
    en: 'Contracts published in the official gazette long after they were signed.',
    pt: 'Contratos publicados no Diário Oficial muito depois de assinados.',
  },
  population: { en: 'contracts with dates of signature and publication', pt: 'contratos com datas de assinatura e de publicação' },
  benignExplanations: [
    { en: 'the extract was published again with a correction', pt: 'o extrato foi republicado com retificação' },
    { en: 'the last signature came later than the date in the document', pt: 'a última assinatura veio depois da data do documento' },
    { en: 'a typing error in one of the two dates', pt: 'um erro de digitação em uma das duas datas' },
  ],
  counts: { population: 0, beforeSignature: 0, largestDelayDays: 0 },
  resolve: (options) => ({ maxDays: requireInteger('maxDays', options.maxDays ?? DEFAULT_MAX_DAYS, 0) }),
  look: ({ signedOn, publishedOn, initialValue }, { settings, counts }) => {
    if (signedOn === null || publishedOn === null) return undefined
    const days = daysBetween(signedOn, publishedOn)
    counts.population++
    counts.largestDelayDays = Math.max(counts.largestDelayDays, days)
    if (days < 0) counts.beforeSignature++
    return days > settings.maxDays ? { rank: [days, initialValue], facts: { days } } : undefined
  },
  conclude: ({ settings: { maxDays }, counts, found }) => ({
    severity: 'low',
    threshold: { days: maxDays },
    statistics: { late: found, publishedBeforeSignature: counts.beforeSignature, largestDelayDays: counts.largestDelayDays },
    explanation: explain(found, counts, maxDays),
  }),
})

export function createLatePublication(options: LatePublicationOptions = {}): RuleRun<ContractFacts> {
  return latePublication.start(options)
}

function explain(late: number, { population, largestDelayDays }: DelayCounts, maxDays: number): LocalizedText {
  if (population === 0) return { en: 'No contract with both dates.', pt: 'Nenhum contrato com as duas datas.' }
  return {
    en: `${numberText(late, 'en')} of ${numberText(population, 'en')} contracts were published more than ${maxDays} days after signature, the latest after ${numberText(largestDelayDays, 'en')}. ${late > 0 ? 'An indication of weak transparency, no more.' : 'No indication.'}`,
    pt: `${numberText(late, 'pt')} de ${numberText(population, 'pt')} contratos foram publicados mais de ${maxDays} dias após a assinatura, o último após ${numberText(largestDelayDays, 'pt')}. ${late > 0 ? 'É indício de pouca transparência, nada mais.' : 'Sem indício.'}`,
  }
}
