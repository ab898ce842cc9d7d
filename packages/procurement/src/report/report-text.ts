import type { Finding } from '../findings/finding.ts'
import type { FindingRecord } from '../findings/finding-record.ts'
import { numberText, type Language } from '../findings/number-text.ts'
import { displayMoney, parseDecimalMoney } from '../values/money.ts'
import type { ReportView } from './report-input.ts'
import { OUTCOME_WORDS, SEVERITY_WORDS, WORDS } from './report-words.ts'

/** An amount as stored, as people of the language read it; what is no amount stays as it is. */
export function moneyText(decimal: string, language: Language): string {
  const money = parseDecimalMoney(decimal)
  return money === undefined ? decimal : displayMoney(money, language)
}

/** Whom a record is about. */
export function nameOf(record: FindingRecord): string {
  if (record.kind === 'item') return record.description
  return record.kind === 'buyer' ? record.unit.name : (record.supplier?.name ?? record.unit.name)
}

function placeOf(record: FindingRecord): string {
  return record.kind === 'buyer' ? '' : `${record.file}:${record.line}`
}

/** The facts at the head of a report, each with its name. */
export function summaryFacts({ input, language }: ReportView): readonly (readonly [name: string, value: string])[] {
  const { source, summary, rejects, missing, question } = input
  const facts: (readonly [string, string])[] = [
    [WORDS.contracts[language], numberText(summary.contracts, language)],
    [WORDS.initialValue[language], moneyText(summary.totalInitialValue, language)],
    [WORDS.finalValue[language], moneyText(summary.totalFinalValue, language)],
    [WORDS.largest[language], summary.largestInitialValue === null ? '–' : moneyText(summary.largestInitialValue, language)],
    [WORDS.rowsRead[language], numberText(source.rows, language)],
    [WORDS.rejected[language], numberText(rejects.total, language)],
    [WORDS.source[language], `${source.files.map(({ name }) => name).join(', ')} (sha256 ${source.sha256})`],
  ]
  if (question !== undefined) facts.unshift([WORDS.question[language], question])
  if (missing.length > 0) facts.push([WORDS.missing[language], missing.join(', ')])
  return facts
}

/** The facts of one finding, each with its name. */
export function findingFacts(
  finding: Finding,
  { language, recordsShown }: ReportView,
): readonly (readonly [name: string, value: string])[] {
  const { rule, version, outcome, severity, population, recordCount } = finding
  const shown = Math.min(recordsShown, finding.records.length)
  const total = numberText(recordCount.total, language)
  const records = shown < recordCount.total ? `${total} (${numberText(shown, language)} ${WORDS.shown[language]})` : total
  return [
    [WORDS.rule[language], `${rule} ${version}`],
    [WORDS.outcome[language], OUTCOME_WORDS[outcome][language]],
    [WORDS.severity[language], SEVERITY_WORDS[severity][language]],
    [WORDS.population[language], `${numberText(population.n, language)} (${population.description[language]})`],
    [WORDS.threshold[language], thresholdText(finding)],
    [WORDS.records[language], records],
  ]
}

/** `ratio: 1.25, typingErrorRatio: 10`. */
function thresholdText({ threshold }: Finding): string {
  const entries = Object.entries(threshold)
  return entries.map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ')
}

/** A table as rows of text, the head first. */
export type TextTable = readonly (readonly string[])[]

/** The records of a finding, or `undefined` where it lists none. */
export function recordTable({ records }: Finding, { language, recordsShown }: ReportView): TextTable | undefined {
  if (records.length === 0 || recordsShown === 0) return undefined
  const head = [WORDS.key, WORDS.who, WORDS.value, WORDS.place].map((word) => word[language])
  const shown = records.slice(0, recordsShown)
  return [head, ...shown.map((record) => [record.key, nameOf(record), moneyText(record.value, language), placeOf(record)])]
}

/** The records on which rules of more than one family agree, or `undefined` where there are none. */
export function agreementTable({ input, language, recordsShown }: ReportView): TextTable | undefined {
  const cases = input.crossCheck?.cases.filter(({ families }) => families.length > 1).slice(0, recordsShown) ?? []
  if (cases.length === 0) return undefined
  const head = [WORDS.key, WORDS.who, WORDS.value, WORDS.confidence, WORDS.rules].map((word) => word[language])
  const rows = cases.map(({ record, confidence, evidence }) => {
    const rules = evidence.map(({ rule }) => rule).join(', ')
    return [record.key, nameOf(record), moneyText(record.value, language), numberText(confidence, language, 2), rules]
  })
  return [head, ...rows]
}
