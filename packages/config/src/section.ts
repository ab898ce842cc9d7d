import { z } from 'zod'
import type { ConfigProblem } from './errors.ts'
import type { Preset } from './presets.ts'
import { showReceived } from './report/show-received.ts'
import { originText, type Origin, type Setting } from './setting.ts'
import { defaultOf, type Variable } from './variable.ts'

type Shape = Readonly<Record<string, Variable<unknown>>>
type ValuesOf<Variables extends Shape> = {
  readonly [Name in keyof Variables]: Variables[Name] extends Variable<infer Value> ? Value : never
}

/** Several valid values that do not go together. */
export interface Contradiction<Values> {
  /** The variables looked at, the one to blame first. Looked at only if each of them is valid by itself. */
  readonly of: readonly [keyof Values & string, ...(keyof Values & string)[]]
  /** The rule that is broken, as the predicate of the blamed variable; `undefined` if none is. */
  readonly find: (values: Values) => string | undefined
}

export interface BuildContext {
  readonly preset: Preset
  /** Base of relative paths. */
  readonly cwd: string
}

export interface SectionParts<Variables extends Shape, Output> {
  /** Name of the field in `Config`. */
  readonly name: string
  readonly title: string
  readonly variables: Variables
  /** @default [] */
  readonly contradictions?: readonly Contradiction<ValuesOf<Variables>>[]
  readonly build: (values: ValuesOf<Variables>, context: BuildContext) => Output
}

/** One line of the effective configuration, safe to print. */
export interface EffectiveSetting {
  readonly section: string
  readonly variable: string
  /** Path in `Config`; `null` where the variable is accepted and sets nothing. */
  readonly field: string | null
  /** In the variable's own notation, redacted; `null` where unset. */
  readonly value: string | null
  readonly source: Origin
}

export interface SectionInput extends BuildContext {
  /** What was set from outside, by variable. */
  readonly settings: ReadonlyMap<string, Setting>
  /** Variables that were set by a file which cannot be read: nothing is said of how they go with others. */
  readonly unreadable: ReadonlySet<string>
}

export interface SectionReading<Output> {
  readonly problems: readonly ConfigProblem[]
  /** Meaningful only without problems. */
  readonly effective: readonly EffectiveSetting[]
  /** Throws if there are problems. */
  readonly build: () => Output
}

export interface Section<Output> {
  readonly name: string
  readonly title: string
  readonly variables: Shape
  readonly read: (input: SectionInput) => SectionReading<Output>
}

/** A part of the configuration with one schema: its variables, what contradicts what, and how the fields are made. */
export function defineSection<const Variables extends Shape, Output>(parts: SectionParts<Variables, Output>): Section<Output> {
  const schema = toSectionSchema(parts)
  return Object.freeze({
    name: parts.name,
    title: parts.title,
    variables: parts.variables,
    read: (input: SectionInput) => {
      const settings = settingsOf(parts.variables, input)
      const texts = Object.fromEntries([...settings].map(([name, { text }]) => [name, text]))
      const result = schema.safeParse(texts)
      const issues = (result.error?.issues ?? []).filter((issue) => !namesOf(issue).some((name) => input.unreadable.has(name)))
      return {
        problems: toProblems(issues, parts.variables, settings),
        effective: Object.entries(parts.variables).map(([name, variable]) => toEffective(parts.name, name, variable, settings.get(name))),
        build: () => parts.build(result.success ? result.data : failWith(result.error), input),
      }
    },
  })
}

function toSectionSchema<Variables extends Shape, Output>(parts: SectionParts<Variables, Output>): z.ZodType<ValuesOf<Variables>> {
  const fields = Object.fromEntries(Object.entries(parts.variables).map(([name, { schema }]) => [name, schema]))
  // The keys come from a mapped type that zod's inference cannot follow through `Object.entries`; they are the same.
  let schema = z.object(fields) as unknown as z.ZodType<ValuesOf<Variables>>
  for (const { of, find } of parts.contradictions ?? []) {
    const check = (values: ValuesOf<Variables>, context: z.core.$RefinementCtx): void => {
      const rule = find(values)
      if (rule !== undefined) context.addIssue({ code: 'custom', message: rule, path: [of[0]], params: { of } })
    }
    // Without `when`, one invalid variable of the section would hide every contradiction among the others.
    const names = new Set<PropertyKey>(of)
    schema = schema.superRefine(check, { when: ({ issues }) => !issues.some((issue) => names.has(issue.path?.[0] ?? '')) })
  }
  return schema
}

function settingsOf(variables: Shape, { settings, preset }: SectionInput): Map<string, Setting> {
  const effective = new Map<string, Setting>()
  for (const [name, variable] of Object.entries(variables)) {
    const given = settings.get(name)
    const byDefault = defaultOf(variable, preset)
    if (given !== undefined) effective.set(name, given)
    else if (byDefault !== undefined) {
      const origin: Origin = byDefault.fromPreset ? { kind: 'preset', detail: preset } : { kind: 'default' }
      effective.set(name, { text: byDefault.text, origin })
    }
  }
  return effective
}

/** One problem a variable: everything that is wrong with its value is said at once, and the value is shown once. */
function toProblems(issues: readonly z.core.$ZodIssue[], variables: Shape, settings: ReadonlyMap<string, Setting>): ConfigProblem[] {
  const byVariable = Map.groupBy(issues, (issue) => String(issue.path[0]))
  return [...byVariable].map(([name, ofVariable]) => {
    const setting = settings.get(name)
    return {
      variable: name,
      rule: toRule(ofVariable),
      received: setting === undefined ? null : showReceived(setting.text, { secret: variables[name]?.rule.secret ?? true }),
      source: setting === undefined ? 'unset' : originText(setting.origin),
    }
  })
}

function toRule(issues: readonly z.core.$ZodIssue[]): string {
  const rules = new Set(issues.map(({ message }) => message))
  const details = issues.map((issue) => paramOf(issue, 'detail')).filter((detail) => typeof detail === 'string' && detail !== '')
  return [...rules].join(', ') + (details.length === 0 ? '' : `: ${details.join('; ')}`)
}

/** The variables of a contradiction; none for an issue of a single variable. */
function namesOf(issue: z.core.$ZodIssue): readonly string[] {
  return (paramOf(issue, 'of') as readonly string[] | undefined) ?? []
}

function paramOf(issue: z.core.$ZodIssue, name: 'of' | 'detail'): unknown {
  return issue.code === 'custom' ? issue.params?.[name] : undefined
}

function toEffective(section: string, name: string, { field, rule }: Variable<unknown>, setting: Setting | undefined): EffectiveSetting {
  const value = setting === undefined ? null : rule.show(setting.text)
  return { section, variable: name, field, value, source: setting?.origin ?? { kind: 'default' } }
}

function failWith(error: Error): never {
  throw error
}
