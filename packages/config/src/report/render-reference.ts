import { PRESETS, type Preset } from '../presets.ts'
import type { Section } from '../section.ts'
import { SECTIONS } from '../sections/sections.ts'
import { defaultOf, type Variable } from '../variable.ts'
import { REFERENCE_INTRODUCTION } from './reference-introduction.ts'

const HEADINGS = ['Variable', 'Field', 'Rule', 'Default', 'test', 'production', 'Meaning'] as const

/** The page `docs/configuration.md`, made of the same table that the values are read by. */
export function renderReference(): string {
  const sections = Object.values(SECTIONS).map((section) => `## ${section.title}\n\n${toTable(section)}`)
  return `${[REFERENCE_INTRODUCTION.trim(), ...sections].join('\n\n')}\n`
}

/** The file `.env.example`: every variable with its default, all commented out, so that copying it changes nothing. */
export function renderEnvExample(): string {
  const introduction =
    '# Copy to .env and uncomment what you change. Meaning, rules and presets: docs/configuration.md.\n# A value with # or spaces needs quotes.'
  const presets = `# One of ${PRESETS.join(', ')}; without it NODE_ENV decides.\n# CIDADAO_PRESET=development`
  const sections = Object.values(SECTIONS).map(({ title, variables }) => {
    const entries = Object.entries(variables).map(([name, variable]) => toExample(name, variable))
    return [`# ---- ${title} ----`, ...entries].join('\n')
  })
  return `${[introduction, presets, ...sections].join('\n\n')}\n`
}

function toExample(name: string, variable: Variable<unknown>): string {
  const value = typeof variable.default === 'string' ? variable.default : ''
  const otherwise = typeof variable.default === 'object' ? variable.default.doc : variable.unset
  const remark = otherwise === undefined ? '' : ` Unset: ${otherwise}.`
  const file = variable.file ? ` Or ${name}_FILE.` : ''
  return `# ${variable.doc}${remark}${file}`.replaceAll('`', '') + `\n# ${name}=${value}`
}

function toTable(section: Section<unknown>): string {
  const rows = Object.entries(section.variables).map(([name, variable]) => toRow(name, variable))
  const widths = HEADINGS.map((heading, column) => Math.max(...[HEADINGS, ...rows].map((row) => widthOf(row[column] ?? heading))))
  const rule = widths.map((width) => '-'.repeat(width))
  return [HEADINGS, rule, ...rows].map((row) => `| ${row.map((cell, column) => pad(cell, widths[column] ?? 0)).join(' | ')} |`).join('\n')
}

function toRow(name: string, variable: Variable<unknown>): string[] {
  const { field, rule, doc, file } = variable
  return [
    `\`${name}\`${file ? ' or `…_FILE`' : ''}`,
    field === null ? 'none' : `\`${field}\``,
    `\`${rule.text}\``,
    typeof variable.default === 'object' ? variable.default.doc : toDefault(variable, 'development'),
    toPresetDefault(variable, 'test'),
    toPresetDefault(variable, 'production'),
    doc,
  ]
}

function toDefault(variable: Variable<unknown>, preset: Preset): string {
  const text = defaultOf(variable, preset)?.text
  return text === undefined ? `unset: ${variable.unset ?? ''}` : `\`${text}\``
}

/** Empty where the preset has nothing of its own. */
function toPresetDefault(variable: Variable<unknown>, preset: Preset): string {
  return variable.presets[preset] === undefined ? '' : toDefault(variable, preset)
}

function widthOf(text: string): number {
  return Array.from(text).length
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(width - widthOf(text))
}
