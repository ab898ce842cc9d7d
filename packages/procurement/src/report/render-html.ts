import type { Finding } from '../findings/finding.ts'
import type { Language } from '../findings/number-text.ts'
import { escapeHtml } from './html-text.ts'
import { digitPlot } from './plots/digit-plot.ts'
import { pricePlot } from './plots/price-plot.ts'
import { supplierPlot } from './plots/supplier-plot.ts'
import type { ReportView } from './report-input.ts'
import { agreementTable, findingFacts, recordTable, summaryFacts, type TextTable } from './report-text.ts'
import { WORDS } from './report-words.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;margin:1rem 0;width:100%}th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#1b1b1b}.bar{fill:#2b6cb0}.curve{fill:none;stroke:#9c4221;stroke-width:2}.dot{fill:#2b6cb0;fill-opacity:.6}`
/** Even if a text of the source were not escaped, the page could run and fetch nothing. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'"

/** One self-contained page: no script, nothing fetched, every text of the source escaped, plots as inline SVG. */
export function renderHtml(view: ReportView): string {
  const { input, language } = view
  const title = WORDS.title[language]
  const suppliers = supplierPlot(input.topSuppliers ?? [], language)
  return [
    '<!doctype html>',
    `<html lang="${language === 'pt' ? 'pt-BR' : 'en'}"><head><meta charset="utf-8">`,
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width">`,
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(WORDS.caution[language])}</p>`,
    factTable(summaryFacts(view)),
    ...(suppliers === undefined ? [] : [figure(WORDS.suppliers[language], suppliers)]),
    ...agreementSection(view),
    `<h2>${escapeHtml(WORDS.findings[language])}</h2>`,
    ...input.findings.map((finding) => findingSection(finding, view)),
    '</body></html>\n',
  ].join('\n')
}

function agreementSection(view: ReportView): readonly string[] {
  const rows = agreementTable(view)
  return rows === undefined ? [] : [`<h2>${escapeHtml(WORDS.crossCheck[view.language])}</h2>`, rowTable(rows)]
}

function findingSection(finding: Finding, view: ReportView): string {
  const { language } = view
  const plot = plotOf(finding, language)
  const records = recordTable(finding, view)
  return [
    `<section><h3>${escapeHtml(finding.title[language])}</h3><p>${escapeHtml(finding.explanation[language])}</p>`,
    factTable(findingFacts(finding, view)),
    ...(finding.outcome === 'indication' ? [benignList(finding, language)] : []),
    ...(plot === undefined ? [] : [plot]),
    ...(records === undefined ? [] : [rowTable(records)]),
    '</section>',
  ].join('\n')
}

function plotOf(finding: Finding, language: Language): string | undefined {
  const digits = finding.rule === 'benford-first' ? digitPlot(finding, language) : undefined
  if (digits !== undefined) return figure(WORDS.digits[language], digits)
  const prices = finding.rule === 'price-outlier' ? pricePlot(finding, language) : undefined
  return prices === undefined ? undefined : figure(WORDS.prices[language], prices)
}

function figure(caption: string, svg: string): string {
  return `<figure>${svg}<figcaption>${escapeHtml(caption)}</figcaption></figure>`
}

function benignList({ benignExplanations }: Finding, language: Language): string {
  const items = benignExplanations.map((text) => `<li>${escapeHtml(text[language])}</li>`)
  return `<p>${escapeHtml(WORDS.benign[language])}:</p><ul>${items.join('')}</ul>`
}

function factTable(facts: readonly (readonly [string, string])[]): string {
  const rows = facts.map(([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`)
  return `<table>${rows.join('')}</table>`
}

function rowTable([head = [], ...rows]: TextTable): string {
  const titles = head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('\n')
  return `<table><thead><tr>${titles}</tr></thead><tbody>${body}</tbody></table>`
}
