import { weekdayOf, type CivilDate } from '../values/civil-date.ts'
import type { ContractFacts } from '../contracts/contract.ts'
import type { FindingValues } from '../findings/finding.ts'
import { toContractRecord, type ContractRecord } from '../findings/finding-record.ts'
import { numberText } from '../findings/number-text.ts'
import { TopList } from '../findings/top-list.ts'
import { nationalHolidayOn } from '../values/holidays.ts'
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

export type CalendarOptions = RuleOptions

const DESCRIPTION: RuleDescription<'calendar'> = {
  id: 'calendar',
  version: '1.0.0',
  title: { en: 'Signed on a day without office hours', pt: 'Assinado em dia sem expediente' },
  description: {
    en: 'Contracts signed on a Saturday, a Sunday or a national holiday.',
    pt: 'Contratos assinados em sábado, domingo ou feriado nacional.',
  },
}

const BENIGN: readonly LocalizedText[] = [
  { en: 'electronic signatures are given at any hour of any day', pt: 'assinaturas eletrônicas são dadas a qualquer hora e dia' },
  { en: 'hospitals, barracks and emergencies work every day', pt: 'hospitais, quartéis e emergências trabalham todos os dias' },
  {
    en: '1 January and the like may stand for the start of validity, not for the signature',
    pt: '1º de janeiro e semelhantes podem indicar o início da vigência, não a assinatura',
  },
]

export const calendar: RuleDefinition<'calendar', CalendarOptions> = { ...DESCRIPTION, start: createCalendar }

interface DayCounts {
  population: number
  saturday: number
  sunday: number
  holidayOnWeekday: number
}

/** A holiday that falls on a weekend counts as the weekend, so that no contract counts twice. */
export function createCalendar(options: CalendarOptions = {}): RuleRun<ContractFacts> {
  const list = new TopList<ContractRecord>(resolveMaxRecords(options))
  const counts: DayCounts = { population: 0, saturday: 0, sunday: 0, holidayOnWeekday: 0 }
  return {
    rule: DESCRIPTION,
    add: (contract) => {
      if (contract.signedOn === null) return
      counts.population++
      const facts = inspectDay(contract.signedOn, counts)
      if (facts !== undefined) list.add([contract.initialValue], contract, () => toContractRecord(contract, facts))
    },
    finish: () => [conclude(list, counts)],
  }
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

function conclude(list: TopList<ContractRecord>, counts: DayCounts): ReturnType<typeof toFinding> {
  const { population, saturday, sunday, holidayOnWeekday } = counts
  return toFinding(DESCRIPTION, {
    outcome: outcomeOf(population, list.total),
    severity: list.total > 0 ? 'low' : 'info',
    population: { n: population, description: { en: 'contracts with a date of signature', pt: 'contratos com data de assinatura' } },
    threshold: { days: ['saturday', 'sunday', 'national-holiday'] },
    statistics: { saturday, sunday, holidayOnWeekday },
    records: listed(list),
    explanation: explain(counts),
    benignExplanations: BENIGN,
  })
}

function explain({ population, saturday, sunday, holidayOnWeekday }: DayCounts): LocalizedText {
  if (population === 0) return { en: 'No contract with a date of signature.', pt: 'Nenhum contrato com data de assinatura.' }
  const found = saturday + sunday + holidayOnWeekday > 0
  return {
    en: `Of ${numberText(population, 'en')} contracts, ${numberText(saturday, 'en')} were signed on a Saturday, ${numberText(sunday, 'en')} on a Sunday and ${numberText(holidayOnWeekday, 'en')} on a weekday that was a national holiday. ${found ? 'A weak indication, to be read with others.' : 'No indication.'}`,
    pt: `De ${numberText(population, 'pt')} contratos, ${numberText(saturday, 'pt')} foram assinados em sábado, ${numberText(sunday, 'pt')} em domingo e ${numberText(holidayOnWeekday, 'pt')} em dia de semana que era feriado nacional. ${found ? 'É indício fraco, a ser lido com outros.' : 'Sem indício.'}`,
  }
}
