import { resolve } from 'node:path'
import type { Config } from './config.ts'
import { deepFreeze } from './deep-freeze.ts'
import { ConfigError } from './errors.ts'
import { choosePreset, PRESET_VARIABLES, type Preset } from './presets.ts'
import { FILE_SUFFIX, readSecretFiles } from './secret-files.ts'
import { FILE_VARIABLES, SECTIONS, type ConfigSections } from './sections/sections.ts'
import { readSources, type Environment } from './sources.ts'
import { findUnknownVariables } from './unknown-variables.ts'
import { findWarnings, unknownVariableWarning } from './warnings.ts'

export interface LoadConfigOptions {
  /** @default process.env */
  readonly env?: Environment
  /**
   * Files in the notation of Node's `--env-file`, a later one overriding an earlier one; the environment overrides all.
   * Files named here must exist. @default ['.env'], if it exists
   */
  readonly envFiles?: readonly string[]
  /** Values that win over everything else, by variable: what was given on a command line. @default {} */
  readonly overrides?: Environment
  /** @default CIDADAO_PRESET, else NODE_ENV, else 'development' */
  readonly preset?: Preset
  /** Base of relative paths. @default process.cwd() */
  readonly cwd?: string
}

const KNOWN_VARIABLES: ReadonlySet<string> = new Set([
  ...PRESET_VARIABLES,
  ...Object.values(SECTIONS).flatMap(({ variables }) => Object.keys(variables)),
  ...[...FILE_VARIABLES].map((name) => `${name}${FILE_SUFFIX}`),
])

/**
 * Reads the configuration once, at the start of the process; nothing is read from the environment later.
 * Throws one `ConfigError` that names everything that is wrong.
 */
export function loadConfig(options: LoadConfigOptions = {}): Config {
  const cwd = resolve(options.cwd ?? process.cwd())
  const sources = readSources({ ...options, cwd })
  const choice = choosePreset(sources.settings, options.preset)
  const files = readSecretFiles(sources.settings, FILE_VARIABLES, cwd)
  const settings = new Map([...sources.settings, ...files.settings])
  const input = { settings, unreadable: files.unreadable, preset: choice.setting.value, cwd }
  const readings = Object.entries(SECTIONS).map(([name, section]) => ({ name, ...section.read(input) }))

  const problems = [sources, choice, files, ...readings].flatMap((part) => part.problems)
  if (problems.length > 0) throw new ConfigError(problems)

  // `Object.entries` forgets that each section builds the field of its own name; the type of SECTIONS has checked it.
  const built = Object.fromEntries(readings.map(({ name, build }) => [name, build()])) as unknown as ConfigSections
  const sections = { preset: choice.setting.value, ...built }
  const unknown = findUnknownVariables(sources.settings.keys(), KNOWN_VARIABLES).map(unknownVariableWarning)
  return deepFreeze({
    ...sections,
    effective: [choice.setting, ...readings.flatMap((reading) => reading.effective)],
    warnings: [...unknown, ...findWarnings(sections)],
  })
}
