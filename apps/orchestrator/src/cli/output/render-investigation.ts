import { displayMoney, parseDecimalMoney, type Finding, type FindingValue, type RejectSummary } from '@cidadao/procurement'
import type { Language } from '../../plan/question.ts'
import type { CommandContext } from '../command-context.ts'
import type { InvestigationDocument } from './investigation-document.ts'
import { printable, type Style } from './terminal.ts'
import type { CliTexts } from './texts.ts'

const SHOWN_RECORDS = 3
const SHOWN_REJECTS = 5
const SEVERITY_STYLES: Readonly<Record<Finding['severity'], Style>> = { info: 'dim', low: 'cyan', medium: 'yellow', high: 'red' }

/** The investigation for people, in the language of the context. */
export function renderInvestigation(document: InvestigationDocument, context: CommandContext): string {
  const { texts, terminal } = context
  const findings = document.findings.map((finding) => renderFinding(finding, context))
  const tail = [texts.audit(document.audit.entries, document.audit.verified), terminal.style('dim', texts.disclaimer)]
  return [renderHead(document, context), ...findings, tail.join('\n')].join('\n\n')
}

const LABEL_WIDTH = 20
const INDENT = ' '.repeat(7)

function renderHead(document: InvestigationDocument, { texts, terminal, language }: CommandContext): string {
  const { investigation, summary, source, cache, missing } = document
  const labelled = (text: string, value: string): string => `${terminal.style('dim', `${text}:`.padEnd(LABEL_WIDTH))}${value}`
  const how = cache.outcome === 'hit' ? texts.fromCache : `${texts.computed} (${investigation.processingTimeMs} ms)`
  const status = (texts.statuses as Readonly<Record<string, string>>)[investigation.status] ?? investigation.status
  const lines = [
    terminal.style('bold', printable(investigation.query)),
    labelled(texts.investigation, investigation.id),
    labelled(texts.status, source === null ? status : `${status}, ${how}`),
  ]
  if (source !== null) {
    const files = source.files.map(({ name }) => printable(name)).join(', ')
    lines.push(labelled(texts.source, `${files}  sha256 ${source.sha256.slice(0, SHOWN_HASH)}…`))
  }
  if (summary !== null) {
    lines.push(
      labelled(texts.contracts, String(summary.contracts)),
      labelled(texts.totalInitialValue, money(summary.totalInitialValue, language)),
      labelled(texts.rejectedRows, String(summary.rejectedRows)),
      ...renderRejects(document.rejects, texts),
    )
  }
  if (missing.length > 0) lines.push(terminal.style('yellow', texts.gaps(missing.join(', '))))
  if (investigation.error !== null) lines.push(terminal.style('red', printable(investigation.error)))
  return lines.join('\n')
}

const SHOWN_HASH = 16

/** Where to look in the file; the rest of them is in the JSON. */
function renderRejects(rejects: InvestigationDocument['rejects'], texts: CliTexts): string[] {
  if (rejects === null || rejects.total === 0) return []
  const { rows } = rejects as unknown as RejectSummary
  const shown = rows.slice(0, SHOWN_REJECTS)
  const lines = shown.map(({ file, line, reason, detail }) => `${INDENT}· ${printable(file)}:${line}  ${reason}: ${printable(detail)}`)
  return rejects.total > shown.length ? [...lines, `${INDENT}· ${texts.moreRejected(rejects.total - shown.length)}`] : lines
}

function money(decimal: string, language: Language): string {
  const amount = parseDecimalMoney(decimal)
  return amount === undefined ? decimal : displayMoney(amount, language)
}

function renderFinding(finding: Finding, { texts, terminal, language }: CommandContext): string {
  const mark = terminal.style(SEVERITY_STYLES[finding.severity], texts.severities[finding.severity].toUpperCase().padEnd(INDENT.length))
  const title = terminal.style('bold', finding.title[language])
  const population = `${texts.population} ${finding.population.n}, ${texts.records(finding.recordCount.total)}`
  const lines = [
    `${mark}${title}  ${terminal.style('dim', `${finding.rule} v${finding.version}, ${population}`)}`,
    `${INDENT}${finding.explanation[language]}`,
    `${INDENT}${terminal.style('dim', statisticsLine(finding.statistics))}`,
    ...finding.records
      .slice(0, SHOWN_RECORDS)
      .map((record) => `${INDENT}· ${printable(record.key)}  ${money(record.value, language)}  ${printable(describe(record))}`),
    ...(finding.outcome === 'indication' && finding.benignExplanations.length > 0
      ? [`${INDENT}${terminal.style('dim', `${texts.benign}: ${finding.benignExplanations.map((text) => text[language]).join(' · ')}`)}`]
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
