import type { Preset } from './presets.ts'
import type { EffectiveSetting } from './section.ts'
import type { ConfigSections } from './sections/sections.ts'
import type { ConfigWarning } from './warnings.ts'

/** The whole configuration, frozen to its depth. Durations are in milliseconds, whatever unit their variables have. */
export interface Config extends ConfigSections {
  readonly preset: Preset
  /** Every variable with its value, redacted, and where the value came from. */
  readonly effective: readonly EffectiveSetting[]
  /** What is allowed and probably not meant; for the log, once there is one. */
  readonly warnings: readonly ConfigWarning[]
}
