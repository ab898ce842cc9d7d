import type { ContractFacts } from '../contracts/contract.ts'
import type { FindingValues } from '../findings/finding.ts'
import { numberText } from '../findings/number-text.ts'
import { weekdayOf, type CivilDate } from '../values/civil-date.ts'
import { nationalHolidayOn } from '../values/holidays.ts'
import type { LocalizedText } from '../values/localized-text.ts'
import { defineListingRule, type ListingCounts } from './listing-rule.ts'
import type { RuleDefinition, RuleOptions, RuleRun } from './rule.ts'

export type CalendarOptions = RuleOptions

interface DayCounts extends ListingCounts {
  saturday: number
  sunday: number
  holidayOnWeekday: number
}

/** A holiday that falls on a weekend counts as the weekend, so that no contract counts twice. */
export const calendar: RuleDefinition<'calendar', CalendarOptions> = defineListingRule<'calendar', CalendarOptions, null, DayCounts>({
  id: 'calendar',
  version: '1.0.0',
  title: { en: 'Signed on a day without office hours', pt: 'Assinado em dia sem expediente' },
  description: {
    en: 'Contracts signed on a Saturday, a Sunday or a national holiday.',
    pt: 'Contratos assinados em sábado, domingo ou feriado nacional.',
  },
  population: { en: 'contracts with a date of signature', pt: 'contratos com data de assinatura' },
  benignExplanations: [
    { en: 'electronic signatures are given at any hour of any day', pt: 'assinaturas eletrônicas são dadas a qualquer hora e dia' },
    { en: 'hospitals, barracks and emergencies work every day', pt: 'hospitais, quartéis e emergências trabalham todos os dias' },
    {
      en: '1 January and the like may stand for the start of validity, not for the signature',
      pt: '1º de janeiro e semelhantes podem indicar o início da vigência, não a assinatura',
    },
  ],
  counts: { population: 0, saturday: 0, sunday: 0, holidayOnWeekday: 0 },
  resolve: () => null,
  look: ({ signedOn, initialValue }, { counts }) => {
    if (signedOn === null) return undefined
    counts.population++
    const facts = inspectDay(signedOn, counts)
    return facts === undefined ? undefined : { rank: [initialValue], facts }
  },
  conclude: ({ counts }) => ({
    severity: 'low',
    threshold: { days: ['saturday', 'sunday', 'national-holiday'] },
    statistics: { saturday: counts.saturday, sunday: counts.sunday, holidayOnWeekday: counts.holidayOnWeekday },
    explanation: explain(counts),
  }),
})

export function createCalendar(options: CalendarOptions = {}): RuleRun<ContractFacts> {
  return calendar.start(options)
}

function inspectDay(date: CivilDate, counts: DayCounts): FindingValues | undefined {
  const weekday = weekdayOf(date)
  if (weekday === 'saturday' || weekday === 'sunday') {
    counts[weekday]++
    return { day: weekday }
  }
  const holiday = nationalHolidayOn(date)
  if (holiday === undefined) return undefined
  counts.holidayOnWeekday++
  return { day: 'holiday', holiday }
}

function explain({ population, saturday, sunday, holidayOnWeekday }: DayCounts): LocalizedText {
  if (population === 0) return { en: 'No contract with a date of signature.', pt: 'Nenhum contrato com data de assinatura.' }
  const found = saturday + sunday + holidayOnWeekday > 0
  return {
    en: `Of ${numberText(population, 'en')} contracts, ${numberText(saturday, 'en')} were signed on a Saturday, ${numberText(sunday, 'en')} on a Sunday and ${numberText(holidayOnWeekday, 'en')} on a weekday that was a national holiday. ${found ? 'A weak indication, to be read with others.' : 'No indication.'}`,
    pt: `De ${numberText(population, 'pt')} contratos, ${numberText(saturday, 'pt')} foram assinados em sábado, ${numberText(sunday, 'pt')} em domingo e ${numberText(holidayOnWeekday, 'pt')} em dia de semana que era feriado nacional. ${found ? 'É indício fraco, a ser lido com outros.' : 'Sem indício.'}`,
  }
}
