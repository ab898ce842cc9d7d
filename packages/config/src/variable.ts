import type { z } from 'zod'
import type { Preset } from './presets.ts'
import { toSchema, type Rule } from './rules/rule.ts'

/** What every variable says about itself; the reference page is made of it. */
export interface VariableFacts {
  /** The field that it sets, as a path in `Config`; `null` where it is accepted and sets nothing. */
  readonly field: string | null
  /** One sentence for the reference. */
  readonly doc: string
  /** Whether `NAME_FILE` may name a file with the value. @default false */
  readonly file?: boolean
}

/** Text in the notation of the variable itself, so that a default passes the same rule as a value from outside. */
export type DefaultText = string | { readonly doc: string; readonly compute: () => string }

export interface DefaultFacts extends VariableFacts {
  readonly default: DefaultText
  /** Presets with another default. @default {} */
  readonly presets?: Partial<Readonly<Record<Preset, string>>>
}

export interface OptionalFacts extends VariableFacts {
  /** What holds without the variable, for the reference. */
  readonly unset: string
}

/** One environment variable: its rule, its default and its place in the configuration. `Value` is what the rule yields. */
export interface Variable<Value> extends Required<VariableFacts> {
  readonly schema: z.ZodType<Value>
  readonly rule: Pick<Rule<unknown>, 'text' | 'secret' | 'show'>
  readonly default?: DefaultText
  readonly presets: Partial<Readonly<Record<Preset, string>>>
  /** What holds without a value; absent where there is a default. */
  readonly unset?: string
}

export function variable<Value>(rule: Rule<Value>, facts: DefaultFacts): Variable<Value> {
  return Object.freeze({ file: false, presets: {}, ...facts, rule, schema: toSchema(rule) })
}

export function optionalVariable<Value>(rule: Rule<Value>, facts: OptionalFacts): Variable<Value | undefined> {
  return Object.freeze({ file: false, presets: {}, ...facts, rule, schema: toSchema(rule).optional() })
}

/** The default under a preset and whether it is the preset's own; `undefined` for a variable without one. */
export function defaultOf(
  { default: base, presets }: Pick<Variable<unknown>, 'default' | 'presets'>,
  preset: Preset,
): { readonly text: string; readonly fromPreset: boolean } | undefined {
  const own = presets[preset]
  if (own !== undefined) return { text: own, fromPreset: true }
  if (base === undefined) return undefined
  return { text: typeof base === 'string' ? base : base.compute(), fromPreset: false }
}
