import type { Config } from '../config.ts'
import type { EffectiveSetting } from '../section.ts'
import { SECTIONS } from '../sections/sections.ts'
import { originText } from '../setting.ts'

/** The effective configuration, redacted. */
export interface ConfigDescription {
  readonly rows: readonly EffectiveSetting[]
  /** The same for people: a block for each section, a line for each variable with its value and source. */
  readonly text: string
}

/** Says what is in force and why. Safe to print and to serialise. */
export function describeConfig(config: Config): ConfigDescription {
  const rows = config.effective
  const nameWidth = Math.max(...rows.map(({ variable }) => variable.length))
  const blocks = Object.entries(SECTIONS).map(([name, { title }]) => {
    const lines = rows.filter(({ section }) => section === name).map((row) => toLine(row, nameWidth))
    return [title, ...lines].join('\n')
  })
  const preset = rows.filter(({ section }) => section === 'preset').map((row) => toLine(row, nameWidth))
  const warnings = config.warnings.length === 0 ? [] : [['Warnings', ...config.warnings.map(({ message }) => `  ${message}`)].join('\n')]
  return { rows, text: [['Preset', ...preset].join('\n'), ...blocks, ...warnings].join('\n\n') }
}

function toLine(row: EffectiveSetting, nameWidth: number): string {
  const name = row.variable.padEnd(nameWidth)
  return row.value === null ? `  ${name}  unset: ${meaningOfUnset(row)}` : `  ${name}  ${row.value}  (${originText(row.source)})`
}

function meaningOfUnset({ section, variable }: EffectiveSetting): string {
  const known = Object.entries(SECTIONS).find(([name]) => name === section)?.[1]
  return (known?.variables[variable]?.unset ?? 'nothing').replaceAll('`', '')
}
