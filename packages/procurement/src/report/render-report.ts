import { ProcurementOptionError, requireInteger } from '../errors.ts'
import { LANGUAGES, type Language } from '../findings/number-text.ts'
import { renderCsv } from './render-csv.ts'
import { renderHtml } from './render-html.ts'
import { renderJson } from './render-json.ts'
import { renderMarkdown } from './render-markdown.ts'
import { REPORT_FORMATS, type ReportInput, type ReportOptions } from './report-input.ts'

const DEFAULTS = { language: 'pt', recordsShown: 20 } as const satisfies Partial<ReportOptions>

/** The report as text. The same input gives the same bytes: no clock, no locale of the machine. */
export function renderReport(input: ReportInput, options: ReportOptions): string {
  const language = oneOf<Language>('language', options.language ?? DEFAULTS.language, LANGUAGES)
  const recordsShown = requireInteger('recordsShown', options.recordsShown ?? DEFAULTS.recordsShown, 0)
  switch (oneOf('format', options.format, REPORT_FORMATS)) {
    case 'markdown':
      return renderMarkdown({ input, language, recordsShown })
    case 'html':
      return renderHtml({ input, language, recordsShown })
    case 'csv':
      return renderCsv(input, language)
    case 'json':
      return renderJson(input)
  }
}

/** Names come from a command line or an address, so the types are not believed. */
function oneOf<Name extends string>(field: string, value: Name, names: readonly Name[]): Name {
  if (names.includes(value)) return value
  throw new ProcurementOptionError(`${field} must be one of ${names.join(', ')}, got "${value}"`, { facts: { field } })
}
