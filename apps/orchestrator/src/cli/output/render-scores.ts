import type { RuleScore } from '@cidadao/procurement'
import type { Language } from '../../plan/question.ts'
import type { CommandContext } from '../command-context.ts'

const COLUMN_GAP = 2
/** A rule has no recall where nothing was planted for it, and no precision where it found nothing. */
const NONE = '–'
/** Rounded down: 100 % means all. */
const SHARE = { style: 'percent', maximumFractionDigits: 1, roundingMode: 'floor' } as const
const FORMATS: Readonly<Record<Language, Intl.NumberFormat>> = {
  en: new Intl.NumberFormat('en', SHARE),
  pt: new Intl.NumberFormat('pt-BR', SHARE),
}

/** Recall and precision of each rule as a table, the names left and the numbers right. */
export function renderScores(scores: readonly RuleScore[], { texts, terminal, language }: Omit<CommandContext, 'signal'>): string {
  const { title, meaning, header } = texts.scores
  const share = (value: number | null): string => (value === null ? NONE : FORMATS[language].format(value))
  const rows = [
    [header.rule, header.planted, header.found, header.recall, header.precision],
    ...scores.map(({ rule, planted, found, recall, precision }) => [rule, String(planted), String(found), share(recall), share(precision)]),
  ]
  const [head = '', ...lines] = alignColumns(rows)
  return [terminal.style('bold', title), terminal.style('dim', head), ...lines, terminal.style('dim', meaning)].join('\n')
}

function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const pad = (cell: string, column: number): string => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))
  return rows.map((row) => row.map(pad).join(' '.repeat(COLUMN_GAP)))
}
