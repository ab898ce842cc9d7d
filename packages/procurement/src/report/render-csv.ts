import type { Finding } from '../findings/finding.ts'
import { recordIdentity, type FindingRecord } from '../findings/finding-record.ts'
import type { Language } from '../findings/number-text.ts'
import type { ReportInput } from './report-input.ts'
import { nameOf } from './report-text.ts'

const COLUMNS = [
  'rule',
  'version',
  'outcome',
  'severity',
  'population',
  'kind',
  'record',
  'file',
  'line',
  'unit_code',
  'unit_name',
  'about',
  'supplier_code',
  'value',
  'confidence',
  'facts',
] as const

const BOM = '\uFEFF'
/** A spreadsheet takes a field that begins so for a formula, some also in full width. */
const FORMULA_START = /^[=+\-@\t\r\n＝＋－＠]/
const PLAIN_NUMBER = /^-?\d+(?:\.\d+)?$/

/**
 * A row for each record of each finding, and one for each finding without records. UTF-8 with its mark and, in
 * Portuguese, semicolons, which is what spreadsheets there expect. What looks like a formula is led by an apostrophe.
 */
export function renderCsv(input: ReportInput, language: Language): string {
  const confidences = new Map(input.crossCheck?.cases.map(({ record, confidence }) => [recordIdentity(record), confidence]))
  const rows = input.findings.flatMap((finding) => {
    const records: readonly (FindingRecord | null)[] = finding.records.length === 0 ? [null] : finding.records
    return records.map((record) => [...findingFields(finding), ...recordFields(record, confidences)])
  })
  const delimiter = language === 'pt' ? ';' : ','
  return BOM + [COLUMNS, ...rows].map((row) => `${row.map((field) => quote(String(field))).join(delimiter)}\r\n`).join('')
}

function findingFields({ rule, version, outcome, severity, population }: Finding): readonly (string | number)[] {
  return [rule, version, outcome, severity, population.n]
}

function recordFields(record: FindingRecord | null, confidences: ReadonlyMap<string, number>): readonly (string | number)[] {
  if (record === null) return ['', '', '', '', '', '', '', '', '', '', '']
  const [file, line] = record.kind === 'buyer' ? ['', ''] : [record.file, record.line]
  const supplier = record.kind === 'buyer' ? null : record.supplier
  const confidence = confidences.get(recordIdentity(record)) ?? ''
  const { code, name } = record.unit
  const facts = JSON.stringify(record.facts)
  return [record.kind, record.key, file, line, code, name, nameOf(record), supplier?.code ?? '', record.value, confidence, facts]
}

function quote(field: string): string {
  const harmless = FORMULA_START.test(field) && !PLAIN_NUMBER.test(field) ? `'${field}` : field
  return `"${harmless.replaceAll('"', '""')}"`
}
