import type { ConfigProblem } from './errors.ts'
import { showReceived } from './report/show-received.ts'
import type { EffectiveSetting } from './section.ts'
import { originText, type Origin, type Setting } from './setting.ts'

export const PRESETS = ['development', 'test', 'production'] as const
/** A named set of defaults. Every value of it can be overridden by its variable. */
export type Preset = (typeof PRESETS)[number]

/** The variables that choose the preset, the stronger first. */
export const PRESET_VARIABLES = ['CIDADAO_PRESET', 'NODE_ENV'] as const
type PresetVariable = (typeof PRESET_VARIABLES)[number]

export interface PresetChoice {
  readonly setting: EffectiveSetting & { readonly value: Preset }
  readonly problems: readonly ConfigProblem[]
}

/**
 * The caller's choice, else `CIDADAO_PRESET`, else `NODE_ENV`, else development. An unknown name is a problem and not
 * development in silence: `NODE_ENV=staging` on a server would otherwise run with a developer's settings.
 */
export function choosePreset(settings: ReadonlyMap<string, Setting>, fromCaller: Preset | undefined): PresetChoice {
  if (fromCaller !== undefined) return chosen(fromCaller, 'CIDADAO_PRESET', { kind: 'override' })
  for (const variable of PRESET_VARIABLES) {
    const setting = settings.get(variable)
    if (setting === undefined) continue
    const preset = PRESETS.find((name) => name === setting.text)
    if (preset !== undefined) return chosen(preset, variable, setting.origin)
    return { ...byDefault, problems: [unknownPreset(variable, setting)] }
  }
  return byDefault
}

const byDefault = chosen('development', 'CIDADAO_PRESET', { kind: 'default' })

function chosen(value: Preset, variable: PresetVariable, source: Origin): PresetChoice {
  return { setting: { section: 'preset', variable, field: 'preset', value, source }, problems: [] }
}

function unknownPreset(variable: PresetVariable, setting: Setting): ConfigProblem {
  const otherwise = variable === 'NODE_ENV' ? ', or CIDADAO_PRESET must be' : ''
  return {
    variable,
    rule: `must be one of ${PRESETS.join(', ')}${otherwise}`,
    received: showReceived(setting.text, { secret: false }),
    source: originText(setting.origin),
  }
}
