import type { Finding } from '../findings/finding.ts'
import type { ReportView } from './report-input.ts'
import { agreementTable, findingFacts, recordTable, summaryFacts, type TextTable } from './report-text.ts'
import { WORDS } from './report-words.ts'

/** Plain Markdown with tables. Text of the source is escaped, so that it is shown and not interpreted. */
export function renderMarkdown(view: ReportView): string {
  const { input, language } = view
  const head = [`# ${WORDS.title[language]}`, WORDS.caution[language], table([['', ''], ...summaryFacts(view)])]
  const sections = input.findings.flatMap((finding) => findingSection(finding, view))
  return `${[...head, ...agreementSection(view), `## ${WORDS.findings[language]}`, ...sections].join('\n\n')}\n`
}

function agreementSection(view: ReportView): readonly string[] {
  const rows = agreementTable(view)
  return rows === undefined ? [] : [`## ${WORDS.crossCheck[view.language]}`, table(rows)]
}

function findingSection(finding: Finding, view: ReportView): readonly string[] {
  const { language } = view
  const { title, outcome, explanation, benignExplanations } = finding
  const parts = [
    `### ${escapeMarkdown(title[language])}`,
    escapeMarkdown(explanation[language]),
    table([['', ''], ...findingFacts(finding, view)]),
  ]
  if (outcome === 'indication') {
    const harmless = benignExplanations.map((text) => `- ${escapeMarkdown(text[language])}`)
    parts.push(`**${WORDS.benign[language]}**\n\n${harmless.join('\n')}`)
  }
  const records = recordTable(finding, view)
  return records === undefined ? parts : [...parts, table(records)]
}

function table([head = [], ...rows]: TextTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(' | ')} |`
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

/** Line breaks would end a table; everything with a meaning in Markdown or HTML is shown as it is. */
function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\`*_[\]<>|#~!&]/g, (character) => `\\${character}`)
}
