import type { Finding, FindingValue } from '@cidadao/procurement'
import { displayMoney, parseDecimalMoney } from '@cidadao/procurement'
import type { Language } from '../plan/question.ts'
import type { CommandContext } from './command-context.ts'
import type { InvestigationDocument } from './investigation-document.ts'
import type { Style } from './terminal.ts'

const SHOWN_RECORDS = 3
const SEVERITY_STYLES: Readonly<Record<Finding['severity'], Style>> = { info: 'dim', low: 'cyan', medium: 'yellow', high: 'red' }

/** The investigation for people, in the language of the context. */
export function renderInvestigation(document: InvestigationDocument, context: CommandContext): string {
  const { texts, terminal, language } = context
  const { investigation, summary, source, cache, audit } = document
  const label = (text: string): string => terminal.style('dim', `${text}:`.padEnd(LABEL_WIDTH))
  const how = cache.outcome === 'hit' ? texts.fromCache : `${texts.computed} (${investigation.processingTimeMs} ms)`
  const head = [
    terminal.style('bold', investigation.query),
    `${label(texts.investigation)}${investigation.id}`,
    `${label(texts.status)}${investigation.status}, ${how}`,
    ...(source === null
      ? []
      : [`${label(texts.source)}${source.files.map(({ name }) => name).join(', ')}  sha256 ${source.sha256.slice(0, 16)}…`]),
    ...(summary === null
      ? []
      : [
          `${label(texts.contracts)}${summary.contracts}`,
          `${label(texts.totalInitialValue)}${money(summary.totalInitialValue, language)}`,
          `${label(texts.rejectedRows)}${summary.rejectedRows}`,
        ]),
    ...(document.missing.length === 0 ? [] : [terminal.style('yellow', texts.gaps(document.missing.join(', ')))]),
    ...(investigation.error === null ? [] : [terminal.style('red', investigation.error)]),
  ]
  const findings = document.findings.map((finding) => renderFinding(finding, context))
  const tail = [texts.audit(audit.entries, audit.verified), terminal.style('dim', texts.disclaimer)]
  return [head.join('\n'), ...findings, tail.join('\n')].join('\n\n')
}

const LABEL_WIDTH = 20

function money(decimal: string, language: Language): string {
  const amount = parseDecimalMoney(decimal)
  return amount === undefined ? decimal : displayMoney(amount, language)
}

function renderFinding(finding: Finding, { texts, terminal, language }: CommandContext): string {
  const mark = terminal.style(SEVERITY_STYLES[finding.severity], finding.severity.toUpperCase().padEnd(7))
  const title = terminal.style('bold', finding.title[language])
  const population = `${texts.population} ${finding.population.n}, ${texts.records(finding.recordCount.total)}`
  const lines = [
    `${mark}${title}  ${terminal.style('dim', `${finding.rule} v${finding.version}, ${population}`)}`,
    `       ${finding.explanation[language]}`,
    `       ${terminal.style('dim', statisticsLine(finding.statistics))}`,
    ...finding.records
      .slice(0, SHOWN_RECORDS)
      .map((record) => `       · ${record.key}  ${money(record.value, language)}  ${describe(record)}`),
    ...(finding.outcome === 'indication' && finding.benignExplanations.length > 0
      ? [`       ${terminal.style('dim', `${texts.benign}: ${finding.benignExplanations.map((text) => text[language]).join(' · ')}`)}`]
      : []),
  ]
  return lines.join('\n')
}

function describe(record: Finding['records'][number]): string {
  return record.kind === 'contract' ? `${record.supplier.name}, ${record.unit.name}` : record.unit.name
}

/** The plain numbers of the formula; tables are for the JSON. */
function statisticsLine(statistics: Readonly<Record<string, FindingValue>>): string {
  return Object.entries(statistics)
    .flatMap(([name, value]) => {
      if (typeof value === 'number') return [`${name} ${Number(value.toPrecision(6))}`]
      return typeof value === 'string' ? [`${name} ${value}`] : []
    })
    .join('  ')
}
